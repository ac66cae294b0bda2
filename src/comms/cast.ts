/** One word to many: to agents by name, or to whoever hears a topic. What one of them does with it is nothing to the others. */
import type { RequestRefusal } from '../../machines/comms/request.js';
import type { Exchange } from './exchange.js';
import type { Lane } from './lane.js';
import type { DeliveryOutcome, Letter } from './message.js';
import type { BroadcastOptions, NotifyOptions } from './options.js';

/** Why one of many has not taken it: as of a notice, or since all were to take it or none, and another could not. */
export type CastRefusal = RequestRefusal | 'notAll';

/** What became of it at one agent. */
export type CastOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: CastRefusal };

/** What became of it: `ok` where as many have taken it as its strategy wants. */
export interface BroadcastOutcome {
  readonly ok: boolean;
  /** How many have taken it into their mailboxes. */
  readonly taken: number;
  /** By agent; `closed` for all where comms do not run. */
  readonly outcomes: Readonly<Record<string, CastOutcome>>;
}

/** What became of what was published. */
export type PublishOutcome =
  | {
      readonly ok: true;
      /** How many subscribers have taken it into their mailboxes. */
      readonly taken: number;
      /** Those that have not, and why: each a dead letter. */
      readonly refused: Readonly<Record<string, RequestRefusal>>;
    }
  /** Comms have ended, or do not run; or its signal had aborted. */
  | { readonly ok: false; readonly reason: 'closed' | 'cancelled' };

/** What became of a subscription. */
export type SubscribeOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: 'noAgent' | 'full' | 'closed' };

/** @param agents  each once */
export function broadcast(
  exchange: Exchange | undefined,
  agents: readonly string[],
  body: unknown,
  options: BroadcastOptions,
  settle: (outcome: BroadcastOutcome) => void,
): void {
  const { strategy = 'bestEffort', from = null, signal } = options;
  const outcomes = new Map<string, CastOutcome>();
  const done = (): void => {
    if (outcomes.size < agents.length) return;
    const taken = [...outcomes.values()].filter(({ ok }) => ok).length;
    const ok = strategy === 'bestEffort' ? exchange !== undefined : strategy === 'atLeastOne' ? taken > 0 : taken === agents.length;
    const outcome = { ok, taken, outcomes: Object.fromEntries(outcomes) };
    if (exchange === undefined) settle(outcome);
    else exchange.whenRested(() => settle(outcome));
  };
  const note = (agent: string, outcome: CastOutcome): void => {
    outcomes.set(agent, outcome);
    done();
  };
  const refuse = (reason: 'closed' | 'cancelled'): void => {
    for (const agent of agents) outcomes.set(agent, { ok: false, reason });
    done();
  };
  if (agents.length === 0) return done();
  if (exchange === undefined) return refuse('closed');
  if (signal?.aborted === true) return refuse('cancelled');
  const letterTo = (agent: string): Letter => ({ kind: 'notice', agent, from, body, topic: null });
  exchange.turn(() => {
    const missing = strategy === 'allOrNothing' ? lacking(exchange, agents) : null;
    for (const agent of agents) {
      const reason = missing === null ? undefined : (missing.get(agent) ?? 'notAll');
      if (reason === undefined)
        // All have been looked at: one that is delivered to now could end another.
        exchange.send(letterTo(agent), options, (outcome) => note(agent, castOf(outcome)), { isQuiet: strategy === 'allOrNothing' });
      else {
        exchange.refuse(letterTo(agent), reason);
        note(agent, { ok: false, reason });
      }
    }
  });
}

function castOf(outcome: DeliveryOutcome): CastOutcome {
  return outcome.ok ? { ok: true } : { ok: false, reason: outcome.reason };
}

/** Who could not take a notice now, and why; null where each could. What is delivered to make room may change anything: so all are looked at once more, in silence. */
function lacking(exchange: Exchange, agents: readonly string[]): Map<string, RequestRefusal> | null {
  const lanes = new Map<string, Lane>();
  const missing = new Map<string, RequestRefusal>();
  for (const agent of agents) {
    const lane = exchange.lane(agent);
    if (typeof lane === 'string') missing.set(agent, lane);
    else {
      lane.makeRoom();
      lanes.set(agent, lane);
    }
  }
  for (const [agent, lane] of lanes) {
    const reason = lane.refusalOf('comms.notice');
    if (reason !== null) missing.set(agent, reason);
  }
  return missing.size === 0 ? null : missing;
}

/** To all who hear the topic now. */
export function publish(exchange: Exchange, topic: string, body: unknown, options: NotifyOptions, settle: (outcome: PublishOutcome) => void): void {
  const { from = null, signal } = options;
  if (signal?.aborted === true) return settle({ ok: false, reason: 'cancelled' });
  exchange.turn(() => {
    const refused: [string, RequestRefusal][] = [];
    exchange.begin();
    const agents = exchange.topics.of(topic);
    let open = agents.length + 1;
    let taken = 0;
    const done = (): void => {
      if (--open > 0) return;
      exchange.tell({ type: 'comms.published', topic, from, taken, refused: refused.length });
      exchange.whenRested(() => settle({ ok: true, taken, refused: Object.fromEntries(refused) }));
    };
    for (const agent of agents)
      exchange.send({ kind: 'event', agent, from, body, topic }, options, (outcome) => {
        if (outcome.ok) taken++;
        else refused.push([agent, outcome.reason]);
        done();
      });
    done();
  });
}

/** Twice is once. */
export function subscribe(exchange: Exchange, topic: string, agent: string): SubscribeOutcome {
  if (exchange.topics.has(topic, agent)) return { ok: true };
  let outcome: SubscribeOutcome = { ok: true };
  exchange.turn(() => {
    const lane = exchange.lane(agent);
    if (typeof lane === 'string') outcome = { ok: false, reason: lane };
    else if (!exchange.topics.add(topic, agent)) outcome = { ok: false, reason: 'full' };
    else exchange.tell({ type: 'comms.subscribed', topic, agent });
  });
  return outcome;
}

/** @returns whether it was there */
export function unsubscribe(exchange: Exchange, topic: string, agent: string): boolean {
  if (!exchange.topics.remove(topic, agent)) return false;
  exchange.turn(() => exchange.tell({ type: 'comms.unsubscribed', topic, agent, because: 'asked' }));
  return true;
}
