/**
 * What an app holds of a room of agents.
 *
 * Nothing throws nor rejects but for misuse; a call on a room that has ended is answered. What a status says is read where it is so: from the chart of the
 * agent and, while it is up, from the supervisor that keeps it.
 */
import { type ActorRefFrom, type AnyActorRef, createActor } from 'xstate';
import type { agentMachine } from '../../machines/agents/agent.js';
import type { AgentEmitted, AgentEvent, AgentRefusal, AgentResult, AgentsRecovered } from '../../machines/agents/agent-events.js';
import { sortOf } from '../option-checks.js';
import { type Registry, registryHandle } from '../registry/handle.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { nextCall, supervisorHandle, type SupervisorHandle } from '../supervision/handle.js';
import { onFact } from '../supervision/on-fact.js';
import type { ActorMap } from '../supervision/supervisors.js';
import { ended, onExit } from '../supervision/watch.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { agents as agentsLogic, planOf } from './agents.js';
import {
  type AgentOptions,
  type AgentsOptions,
  type AgentsPlan,
  type AgentUpdate,
  invalid,
  planAgent,
  planUpdate,
  requireOptions,
  requireText,
} from './agents-options.js';
import { agentsAbove, agentsBelow, chartOf, type Place, placeOf } from './agents-place.js';
import type { Ledger } from './ledger.js';

type AgentRef = ActorRefFrom<typeof agentMachine>;
type Call = Extract<AgentEvent, { call: string }>;
type WithoutCall<Event> = Event extends unknown ? Omit<Event, 'call'> : never;

/** What agents tell; answers are told to whoever asked. */
export type AgentFact = Exclude<AgentEmitted, { type: 'agent.answered' }> | AgentsRecovered;
type Fact<Type extends AgentFact['type']> = Extract<AgentFact, { type: Type }>;

/**
 * Whether it was done with an agent, and why not. `why`: of a start that failed, its reason; `lost`: whoever was to answer was killed, and what has become of the
 * agent its status says.
 */
export type AgentOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: AgentRefusal | 'notRegistered' | 'lost' | 'closed'; readonly why?: unknown };

/** What became of an agent's start. `ref`: its actor. */
export type AgentStartOutcome = { readonly ok: true; readonly ref: AnyActorRef } | Extract<AgentOutcome, { ok: false }>;

/** Whether an agent was registered. */
export type AgentRegistered = { readonly ok: true } | { readonly ok: false; readonly reason: 'alreadyRegistered' | 'full' | 'overloaded' | 'closed' };

/** How an agent is: never started, on its way up or down, up, between two attempts, down by order or at its own end, or down as it could not stay up. */
export type AgentState = 'registered' | 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped' | 'failed';

/** One agent, as it stands. */
export interface AgentStatus {
  readonly id: string;
  readonly state: AgentState;
  /** Its actor, while it runs. */
  readonly ref: AnyActorRef | undefined;
  readonly src: string;
  readonly capabilities: readonly string[];
  /** Since it was registered. */
  readonly restarts: number;
  /** Of one that is down: why; undefined of any other. */
  readonly why: unknown;
}

/** One agent that runs. */
export interface RunningAgent {
  readonly id: string;
  readonly ref: AnyActorRef;
}

/** A room of agents, as an app holds it. Disposing of it closes it. */
export interface Agents extends AsyncDisposable {
  /** The room's actor; undefined while none runs. */
  readonly ref: AnyActorRef | undefined;
  /** The registry in which agents are found by their names while they run. For comms. */
  readonly names: Registry;
  /** Makes an agent known; it does not run yet. @throws EspalierError `agents/invalid-options`, `supervision/…`, as rejection */
  register(options: AgentOptions): Promise<AgentRegistered>;
  /** Starts an agent. @returns refused with `alreadyRunning`, `stopping`, `failed` and why, `stopped` where somebody stopped it meanwhile, `notRegistered`, `closed` */
  start(id: string): Promise<AgentStartOutcome>;
  /** Stops an agent, also one that is being started, restarted or updated; no restart comes. @returns when it has ended; refused with `notRunning`, `overloaded`, `notRegistered`, `closed` */
  stop(id: string): Promise<AgentOutcome>;
  /**
   * Changes an agent: one that runs is stopped, and started as what it is to be; when that fails its former self is started again.
   * @returns refused with `rolledBack` and why, `failed` where that could not be started either, `stopped` where somebody stopped it meanwhile, `busy`,
   *   `notRegistered`, `closed`
   * @throws EspalierError `agents/invalid-options`, `supervision/…`, as rejection
   */
  update(id: string, changes: AgentUpdate): Promise<AgentOutcome>;
  /** Stops an agent, and forgets it. @returns when it has ended; refused with `notRegistered`, `closed` */
  unregister(id: string): Promise<AgentOutcome>;
  /** How an agent is; undefined for none. @throws EspalierError `agents/invalid-options` */
  status(id: string): AgentStatus | undefined;
  /** All agents, in no promised order. */
  list(): AgentStatus[];
  /** How many are how. */
  counts(): Readonly<Record<AgentState, number>>;
  /** Does the room run, and has no agent failed? */
  isHealthy(): boolean;
  /** An agent's actor, while it runs. @throws EspalierError `agents/invalid-options` */
  whereis(id: string): AnyActorRef | undefined;
  /** Those that run and can do this. @throws EspalierError `agents/invalid-options` */
  withCapability(capability: string): RunningAgent[];
  /** Facts of the agents, and of those of each room that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `agents/invalid-options` */
  on<Type extends AgentFact['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Stops all, each within its own time, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a room that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `agents/invalid-options` for a reference that runs no room of agents; from each call, for a function that finds one
 */
export function agentsHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Agents {
  if (typeof ref === 'function') return new Handle(ref);
  requireRoom(ref);
  return new Handle(() => ref);
}

/**
 * A room of agents that an app starts by itself, the root of a system of its own. In an app with a tree, {@link agentsLogic} is a child of that.
 * @throws EspalierError `agents/invalid-options`; `supervision/…` for logics that are none, and for what is no clock
 */
export function createAgents<const Logics extends ActorMap>(options: AgentsOptions<Logics>, where: { readonly clock?: Clock } = {}): Agents {
  requireOptions('where the agents run', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(agentsLogic(options), { clock, id: 'agents' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isRoom(ref: AnyActorRef | undefined): boolean {
  return typeof ref?.getSnapshot === 'function' && planOf(ref) !== undefined;
}

function requireRoom(ref: AnyActorRef): void {
  if (!isRoom(ref)) throw invalid('ref', 'an actor that runs agents()', sortOf(ref));
}

const factTypes: readonly AgentFact['type'][] = [
  ...([
    'agents.recovered',
    'agent.registered',
    'agent.recovered',
    'agent.started',
    'agent.startFailed',
    'agent.crashed',
    'agent.restarted',
    'agent.stopped',
  ] as const),
  ...(['agent.failed', 'agent.updated', 'agent.rolledBack', 'agent.unregistered'] as const),
];

class Handle implements Agents {
  readonly names: Registry = registryHandle(() => this.#place?.names.ref);
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): AnyActorRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireRoom(ref);
    return ref;
  }

  get #place(): Place | undefined {
    const { ref } = this;
    return ref === undefined || hasStopped(ref) ? undefined : placeOf(ref);
  }

  get #above(): SupervisorHandle | undefined {
    const place = this.#place;
    return place === undefined ? undefined : agentsAbove(place);
  }

  #agent(id: string): AgentRef | undefined {
    return this.#above?.child(id) as AgentRef | undefined;
  }

  async register(options: AgentOptions): Promise<AgentRegistered> {
    const { ref } = this;
    if (ref === undefined || hasStopped(ref)) return { ok: false, reason: 'closed' };
    const spec = planAgent(planOf(ref) as AgentsPlan, options);
    const place = placeOf(ref);
    if (this.#isMissing(null)) await this.#back(null);
    const above = agentsAbove(place);
    if (above === undefined) return { ok: false, reason: 'closed' };
    const { id } = spec;
    if (above.child(id) !== undefined || place.coming.has(id) || place.ledger.has(id)) return { ok: false, reason: 'alreadyRegistered' };
    // Those who are awaited have their places.
    const { awaited, coming, ledger } = place;
    const { maxAgents } = planOf(ref) as AgentsPlan;
    if (awaited.size > 0 && new Set([...ledger.keys(), ...coming]).size >= maxAgents) return { ok: false, reason: 'full' };
    coming.add(id);
    const begun = await above.startChild(chartOf(spec)).finally(() => place.coming.delete(id));
    // Its supervisor may have been lost before it had answered: who is in the ledger comes back.
    if (begun.ok || ledger.has(id)) return { ok: true };
    const { reason } = begun;
    return { ok: false, reason: reason === 'maxChildren' ? 'full' : reason === 'overloaded' ? 'overloaded' : 'closed' };
  }

  async start(id: string): Promise<AgentStartOutcome> {
    const outcome = await this.#ask(id, { type: 'agent.start' });
    if (!outcome.ok) return outcome;
    const ref = this.whereis(id);
    // It was started, and has ended since.
    return ref === undefined ? { ok: false, reason: 'failed', why: this.status(id)?.why } : { ok: true, ref };
  }

  stop(id: string): Promise<AgentOutcome> {
    return this.#ask(id, { type: 'agent.stop' });
  }

  async update(id: string, changes: AgentUpdate): Promise<AgentOutcome> {
    requireText('id', id);
    if (this.#isMissing(id)) await this.#back(id);
    const agent = this.#agent(id);
    const { ref } = this;
    if (ref === undefined || agent === undefined) return this.#missing(id);
    const before = agent.getSnapshot().context.spec;
    return await this.#ask(id, { type: 'agent.update', changes: planUpdate(planOf(ref) as AgentsPlan, before, changes) });
  }

  async unregister(id: string): Promise<AgentOutcome> {
    requireText('id', id);
    if (this.#isMissing(id)) await this.#back(id);
    const agent = this.#agent(id);
    if (agent === undefined || hasStopped(agent)) return this.#missing(id);
    const { isLeaving, reason } = agent.getSnapshot().context;
    // It ends with all others, and may come back with them.
    if (isLeaving && reason !== 'normal') return { ok: false, reason: 'closed' };
    await ended(agent, () => agent.send({ type: 'agent.unregister' }));
    return { ok: true };
  }

  #missing(id: string): Extract<AgentOutcome, { ok: false }> {
    if (this.#above === undefined) return { ok: false, reason: 'closed' };
    return { ok: false, reason: this.#place?.ledger.has(id) === true ? 'lost' : 'notRegistered' };
  }

  /** Is one who was registered before the supervisor was lost there again only in a moment? Null: anybody but those who are awaited. */
  #isMissing(id: string | null): boolean {
    const { awaited, recovering } = this.#place ?? {};
    return (recovering ?? null) !== null || (id !== null && awaited?.has(id) === true);
  }

  async #back(id: string | null): Promise<void> {
    while (this.#isMissing(id)) await (this.#place?.recovering ?? this.#place?.awaited.get(id ?? ''));
  }

  async #ask(id: string, event: WithoutCall<Call>): Promise<AgentOutcome> {
    requireText('id', id);
    if (this.#isMissing(id)) await this.#back(id);
    const agent = this.#agent(id);
    if (agent === undefined || hasStopped(agent)) return this.#missing(id);
    const answer = await answerOf(agent, event);
    return answer ?? this.#missing(id);
  }

  status(id: string): AgentStatus | undefined {
    requireText('id', id);
    const agent = this.#agent(id);
    if (agent !== undefined) return statusOf(agent);
    const ledger = this.#above === undefined ? undefined : this.#place?.ledger;
    return ledger === undefined ? undefined : lostStatusOf(ledger, id);
  }

  list(): AgentStatus[] {
    const [above, place] = [this.#above, this.#place];
    if (above === undefined || place === undefined) return [];
    const here = agentsBelow(above).map((agent) => statusOf(agent as AgentRef));
    if (place.recovering === null && place.awaited.size === 0) return here;
    const ids = new Set(here.map(({ id }) => id));
    const missing = [...place.ledger.keys()].filter((id) => !ids.has(id)).map((id) => lostStatusOf(place.ledger, id));
    return [...here, ...missing.filter((status) => status !== undefined)];
  }

  counts(): Readonly<Record<AgentState, number>> {
    const counts = { registered: 0, starting: 0, running: 0, restarting: 0, stopping: 0, stopped: 0, failed: 0 };
    for (const { state } of this.list()) counts[state]++;
    return counts;
  }

  isHealthy(): boolean {
    return this.#above !== undefined && this.counts().failed === 0;
  }

  whereis(id: string): AnyActorRef | undefined {
    return this.status(id)?.ref;
  }

  withCapability(capability: string): RunningAgent[] {
    requireText('capability', capability);
    const entries = this.#place?.names.select({ where: { capabilities: capability } }) ?? [];
    // What the app itself has put into the registry is no agent.
    return entries.filter(({ key, ref }) => this.status(key)?.ref === ref).map(({ key, ref }) => ({ id: key, ref }));
  }

  on<Type extends AgentFact['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isRoom);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'supervisor.stop' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Asks an agent's chart. @returns its answer; undefined where it has ended without one */
function answerOf(agent: AgentRef, event: WithoutCall<Call>): Promise<AgentResult | undefined> {
  const call = nextCall();
  return new Promise((resolve) => {
    const settle = (result: AgentResult | undefined): void => {
      for (const each of heard) each.unsubscribe();
      resolve(result);
    };
    const heard: { unsubscribe(): unknown }[] = [
      agent.on('agent.answered', (fact) => {
        if (fact.call === call) settle(fact.outcome);
      }),
      onExit(agent, () => settle(undefined)),
    ];
    agent.send({ ...event, call });
  });
}

/** The supervisor that keeps an agent says whether it runs or is between two attempts; the agent's chart, what is to become of it. */
function statusOf(agent: AgentRef): AgentStatus {
  const { value, context, children } = agent.getSnapshot();
  const { spec, end, restarts } = context;
  const keeper = children['keeper'] as AnyActorRef | undefined;
  const child = (keeper?.getSnapshot() as KeeperSnapshot | undefined)?.context?.children[0];
  const said = { id: spec.id, src: spec.src, capabilities: spec.capabilities, restarts };
  const down = (state: AgentState): AgentStatus => ({ ...said, state, ref: undefined, why: end?.why });
  if (typeof value === 'string') return down(value === 'down' ? (end?.status ?? 'registered') : 'stopped');
  if (value.up === 'stopping') return { ...said, state: 'stopping', ref: undefined, why: undefined };
  const isUp = child?.status === 'running';
  const ref = isUp && keeper !== undefined ? supervisorHandle(keeper).child(spec.id) : undefined;
  const state = typeof value.up === 'object' ? 'starting' : isUp ? 'running' : 'restarting';
  return { ...said, state, ref, why: undefined };
}

/** Of one whose chart was lost, and is about to be there again: when that which it was has ended, or in a moment. Undefined for nobody. */
function lostStatusOf(ledger: Ledger, of: string): AgentStatus | undefined {
  const past = ledger.get(of);
  const former = ledger.formerOf(of);
  if (past === undefined || former !== undefined) return former === undefined ? undefined : statusOf(former as AgentRef);
  const { spec, was, restarts, end } = past;
  const { id, src, capabilities } = spec;
  const state = was === 'up' ? 'starting' : was === 'leaving' ? 'stopping' : (end?.status ?? 'registered');
  return { id, src, capabilities, restarts, state, ref: undefined, why: was === 'down' ? end?.why : undefined };
}

interface KeeperSnapshot {
  readonly context?: { readonly children: readonly { readonly status: string }[] };
}
