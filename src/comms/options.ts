/** What comms, and calls of theirs, are asked for: checked before anything happens. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { type Agents, type Directory, directoryOf } from './directory.js';
import type { RequestOptions } from './port.js';
import { count, duration, invalid, requireOptions, requireSignal, requireText } from './refusal.js';

/** What a full mailbox does with who comes: refuses it, gives it the place of the oldest, or lets it wait for one, as long as it will. */
export type MailboxPolicy = 'refuse' | 'dropOldest' | 'wait';

/** How one agent is reached. */
export interface ChannelOptions {
  /** How much is out at the agent at once: requests until they are answered, notices and events until it has taken them. Default 16, at most 10 000. */
  readonly credits?: number;
  /** How much waits in its mailbox. Default 100, at most 100 000. */
  readonly maxQueued?: number;
  /** What a full mailbox does. Default `refuse`. */
  readonly policy?: MailboxPolicy;
  /** With the policy `wait`: how much waits for a place in the mailbox; what comes after is refused. Default 1 000, at most 100 000. */
  readonly maxWaiting?: number;
}

/** Options of comms. */
export interface CommsOptions extends ChannelOptions {
  /** Who finds agents by their names. */
  readonly agents: Agents;
  /** What is different for single agents, by name: given when the channel is made. */
  readonly channels?: Readonly<Record<string, ChannelOptions>>;
  /** How long a request waits that says nothing of it, ms. Default 5 000. */
  readonly withinMs?: number;
  /** How long the answer to a request with a key is kept that says nothing of it, ms. Default 60 000. */
  readonly keyMs?: number;
  /** How many answers are kept; then the oldest goes. Default 10 000. */
  readonly maxKeys?: number;
  /** How many dead letters are kept; then the oldest goes. Default 1 000. */
  readonly maxDeadLetters?: number;
  /** How many subscriptions there are. Default 100 000. */
  readonly maxSubscriptions?: number;
  /** How many channels there are at once; an agent beyond it is refused, `full`. Default 100 000. */
  readonly maxChannels?: number;
  /** A channel that nobody used for so long is ended, ms. Default 60 000. */
  readonly idleMs?: number;
}

/** How one question is put. */
export interface AskOptions extends RequestOptions {
  /** How long its answer is kept, ms, where it has a key: of those who wait for one answer, as long as the one wants who wants that longest. */
  readonly keyMs?: number;
  /**
   * What becomes of it when the agent ends before it has answered: it is `crashed`, or asked again of the agent's successor, where one is awaited. That is for
   * requests with a key only: the agent may have done the work already, and is to know by the body that it has. Each caller's own, where several wait for one
   * answer. Default `crashed`.
   */
  readonly onRestart?: 'crashed' | 'again';
}

/** How one notice is sent. */
export interface NotifyOptions {
  /** Gives it up while it waits for a place in the mailbox. */
  readonly signal?: AbortSignal;
  /** How long it waits for that at most, ms. Default: `withinMs` of comms. */
  readonly withinMs?: number;
  /** Who sends it, by name. */
  readonly from?: string;
}

/**
 * How many of many are to take a word: as many as can (`bestEffort`), and one at the least (`atLeastOne`), or all or else none (`allOrNothing`): each must live,
 * take notices, and have a place in its mailbox now.
 */
export type BroadcastStrategy = 'bestEffort' | 'atLeastOne' | 'allOrNothing';

/** How one word is sent to many. */
export interface BroadcastOptions extends NotifyOptions {
  /** Default `bestEffort`. */
  readonly strategy?: BroadcastStrategy;
}

const channelTable = { credits: true, maxQueued: true, policy: true, maxWaiting: true } as const;
const channelKeys = keysOf<ChannelOptions>(channelTable);
const commsKeys = keysOf<CommsOptions>({
  ...channelTable,
  ...({ agents: true, channels: true, withinMs: true, keyMs: true, maxKeys: true } as const),
  ...({ maxDeadLetters: true, maxSubscriptions: true, maxChannels: true, idleMs: true } as const),
});
const notifyTable = { signal: true, withinMs: true, from: true } as const;
const notifyKeys = keysOf<NotifyOptions>(notifyTable);
const broadcastKeys = keysOf<BroadcastOptions>({ ...notifyTable, strategy: true });
const askKeys = keysOf<AskOptions>({ ...notifyTable, ...({ key: true, keyMs: true, onRestart: true } as const) });
const strategies: readonly unknown[] = ['bestEffort', 'atLeastOne', 'allOrNothing'];
const policies: readonly unknown[] = ['refuse', 'dropOldest', 'wait'];

/** The same with its defaults filled in. */
export interface CommsPlan extends Required<Omit<CommsOptions, 'agents' | 'channels' | keyof ChannelOptions>> {
  readonly directory: Directory;
  channelOf(agent: string): Required<ChannelOptions>;
}

/** @throws EspalierError `comms/invalid-options` */
export function planComms(options: CommsOptions): CommsPlan {
  requireOptions('the options of comms', options, commsKeys);
  const { agents, channels = {} } = options;
  const common = planChannel('', options, { credits: 16, maxQueued: 100, policy: 'refuse', maxWaiting: 1_000 });
  requireOptions('channels', channels, Object.keys(channels ?? {}));
  const own = new Map<string, Required<ChannelOptions>>();
  for (const [agent, particular] of Object.entries(channels)) {
    requireText('the name of an agent', agent);
    requireOptions(`channels['${agent}']`, particular, channelKeys);
    own.set(agent, planChannel(`channels['${agent}'].`, particular, common));
  }
  return {
    directory: directoryOf(agents),
    channelOf: (agent) => own.get(agent) ?? common,
    withinMs: duration('withinMs', options.withinMs, 5_000),
    keyMs: duration('keyMs', options.keyMs, 60_000),
    maxKeys: count('maxKeys', options.maxKeys, 10_000),
    maxDeadLetters: count('maxDeadLetters', options.maxDeadLetters, 1_000),
    maxSubscriptions: count('maxSubscriptions', options.maxSubscriptions, 100_000),
    maxChannels: count('maxChannels', options.maxChannels, 100_000),
    idleMs: duration('idleMs', options.idleMs, 60_000),
  };
}

function planChannel(at: string, options: ChannelOptions, byDefault: Required<ChannelOptions>): Required<ChannelOptions> {
  const { policy = byDefault.policy } = options;
  if (!policies.includes(policy)) throw invalid(`${at}policy`, policies.join(', '), typeof policy === 'string' ? 'another text' : sortOf(policy));
  return {
    policy,
    credits: count(`${at}credits`, options.credits, byDefault.credits, 10_000),
    maxQueued: count(`${at}maxQueued`, options.maxQueued, byDefault.maxQueued, 100_000),
    maxWaiting: count(`${at}maxWaiting`, options.maxWaiting, byDefault.maxWaiting, 100_000),
  };
}

/** @throws EspalierError `comms/invalid-options` */
export function requireAsk(agent: string, options: AskOptions): void {
  requireText('agent', agent);
  requireOptions('the options of a request', options, askKeys);
  requireCall(options);
  const { key, keyMs, onRestart } = options;
  if (key !== undefined) requireText('key', key);
  if (keyMs !== undefined) duration('keyMs', keyMs, 1);
  if (onRestart !== undefined && onRestart !== 'crashed' && onRestart !== 'again') throw invalid('onRestart', 'crashed or again', sortOf(onRestart));
  if (key === undefined && (keyMs !== undefined || onRestart === 'again'))
    throw invalid('key', 'a text, where there is keyMs or onRestart', undefined);
}

/** @throws EspalierError `comms/invalid-options` */
export function requireNotify(agent: string, options: NotifyOptions): void {
  requireText('agent', agent);
  requireOptions('the options of a notice', options, notifyKeys);
  requireCall(options);
}

/** @returns the names, each once. @throws EspalierError `comms/invalid-options` */
export function requireBroadcast(agents: readonly string[], options: BroadcastOptions, name = 'agents'): readonly string[] {
  requireOptions('the options of a broadcast', options, broadcastKeys);
  requireCall(options);
  const { strategy } = options;
  if (strategy !== undefined && !strategies.includes(strategy))
    throw invalid('strategy', strategies.join(', '), typeof strategy === 'string' ? 'another text' : sortOf(strategy));
  if (!Array.isArray(agents)) throw invalid(name, 'a list of texts', sortOf(agents));
  for (const [index, each] of agents.entries()) requireText(`${name}[${index}]`, each);
  return [...new Set(agents)];
}

/** @throws EspalierError `comms/invalid-options` */
export function requirePublish(topic: string, options: NotifyOptions): void {
  requireText('topic', topic);
  requireOptions('the options of what is published', options, notifyKeys);
  requireCall(options);
}

function requireCall({ signal, withinMs, from }: NotifyOptions): void {
  requireSignal(signal);
  if (withinMs !== undefined) duration('withinMs', withinMs, 1);
  if (from !== undefined) requireText('from', from);
}
