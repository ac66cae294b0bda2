/**
 * A whole tower on virtual time: an app with a gate, and a supervisor with a stream, an interaction and a conversation that calls tools, all behind that
 * gate and all for one target. It notes every step that a chart takes, and says at the end what is not as it must be.
 */
import { getEventListeners } from 'node:events';
import { type AnyActorLogic, type AnyActorRef, type AnyEventObject, createActor, fromCallback, type InspectionEvent, type StateValue } from 'xstate';
import type { BehindGate } from '../../src/gate/behind.js';
import type { GateOptions } from '../../src/gate/options.js';
import { gate, type GateLogic, tableOf } from '../../src/gate/gate.js';
import { type Gate, gateHandle } from '../../src/gate/handle.js';
import type { OpenSocket } from '../../src/live/socket.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { supervisor } from '../../src/supervision/supervisors.js';
import { monitor } from '../../src/supervision/watch.js';
import { hasStopped, isUnstarted, logicOf, parentOf } from '../../src/supervision/xstate-internals.js';
import type { ToolContext } from '../../src/tools/tool-plan.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { isNoted, type NotedMachine, statesIn } from './chart-states.js';
import { type Script, ScriptedServer } from './scripted-server.js';
import { ScriptedSockets, type SocketScript } from './scripted-sockets.js';

/** A step of a chart: an event, and where it has led. */
export interface Step {
  readonly machine: NotedMachine;
  /** Of its actor, from the root: `app/work/chat/round`. */
  readonly path: string;
  readonly event: string;
  readonly states: readonly string[];
  /** Who lived then, below the work and below the gate. */
  readonly living: readonly string[];
}

/** The step in words; within one story the same words are the same step. */
export function nameOf({ event, path, states }: Step): string {
  return `${path}: ${event} → ${states.join(' + ')}`;
}

/** What workers are made with. */
export interface Place {
  readonly clock: VirtualClock;
  readonly fetch: typeof fetch;
  readonly openSocket: OpenSocket;
  /** The app's gate, which each of them passes. */
  readonly gate: BehindGate;
  readonly target: AnyActorRef;
  /** The app's own, of every worker. */
  readonly signal: AbortSignal;
  /** Notes that a tool has begun, and that it has come to its end by itself. */
  readonly tool: (context: Pick<ToolContext, 'signal'> & Partial<Pick<ToolContext, 'index'>>) => { done(): void };
}

/** Something to be done at a step, once: `behind` it (the default) when all is done that it sets off at once, `midst` in it, `later` a turn behind it. */
export interface Play {
  readonly at: (step: Step, count: number) => boolean;
  readonly act: (tower: Tower, step: Step) => void;
  readonly moment?: (typeof moments)[number];
}

/** What happens when nothing goes wrong, or what goes wrong by itself. */
export interface Story {
  readonly name: string;
  readonly workers: Readonly<Record<string, (place: Place) => AnyActorLogic>>;
  readonly server: Script;
  readonly sockets?: readonly SocketScript[];
  readonly gate?: GateOptions;
  /** Each is done once. */
  readonly plays?: readonly Play[];
  /** What the target does with an event of a stream. */
  readonly hears?: (tower: Tower, message: AnyEventObject) => void;
}

/** Of the gate. */
export const key = 'models';

/** Three moments to strike at. */
export const moments = ['midst', 'behind', 'later'] as const;

/** Does it tell everybody who listens, rather than a target? */
const isTalker = (id: string): boolean => id === 'chat' || id === 'voice';

/** Can a worker be waiting for a permit, by the state that it is in? */
function mayWait(worker: AnyActorRef): boolean {
  const { value } = worker.getSnapshot() as { readonly value: StateValue };
  return statesIn(value).some((state) => /\.(?:atGate|answering\.asking)$/.test(state));
}

/** To make a machine costs more than to run it. */
const gates = new WeakMap<object, GateLogic>();
const plainGate: GateOptions = {};

function gateOf(options: GateOptions): GateLogic {
  const logic = gates.get(options) ?? gate({ permits: 2, ...options });
  gates.set(options, logic);
  return logic;
}

/** All short deadlines and pauses together take no longer, virtual ms; the long ones are there for want of anything better. */
const longestMs = 5_000;

/** More moments than this, and it never comes to rest. */
const mostMoments = 5_000;

export class Tower {
  readonly clock = new VirtualClock();
  readonly server: ScriptedServer;
  readonly sockets: ScriptedSockets;
  readonly app: App;
  readonly target: AnyActorRef;
  readonly steps: Step[] = [];
  /** What the target was sent, and what the conversation and the session told. */
  readonly told: AnyEventObject[] = [];
  readonly #controller = new AbortController();
  readonly #paths = new Map<AnyActorRef, string>();
  readonly #tools: { readonly signal: AbortSignal; readonly call: AnyActorRef | undefined; isDone: boolean }[] = [];
  readonly #plays: Set<Play>;
  readonly #faults: string[] = [];
  #targetEndedAt: number | null = null;
  /** When the last of the workers ended, ms; null as long as one lives. */
  #endedAt: number | null = null;

  /** @param overSockets  in place of the story's server: real sockets */
  constructor(story: Story, faults: readonly Play[] = [], overSockets?: typeof fetch) {
    this.#plays = new Set([...(story.plays ?? []), ...faults]);
    this.server = new ScriptedServer(this.clock, story.server);
    this.sockets = new ScriptedSockets(this.clock, story.sockets ?? []);
    const hear = (message: AnyEventObject): void => {
      this.told.push(message);
      story.hears?.(this, message);
    };
    this.target = createActor(fromCallback<AnyEventObject>(({ receive }) => receive(hear))).start();
    const place: Place = {
      clock: this.clock,
      fetch: overSockets ?? this.server.fetch,
      openSocket: this.sockets.openSocket,
      gate: { gate: () => this.gate, key, waitMs: 300 },
      target: this.target,
      signal: this.#controller.signal,
      tool: ({ index, signal }) => {
        const run = { signal, call: this.find(`app/work/chat/round/execution.${index}`), isDone: false };
        this.#tools.push(run);
        return { done: () => (run.isDone = true) };
      },
    };
    const workers = Object.fromEntries(Object.entries(story.workers).map(([id, make]) => [id, make(place)]));
    const children = Object.keys(workers).map((id) => ({ id, src: id, restart: 'temporary' as const, shutdownMs: 100 }));
    this.app = orchestrator({
      intensity: 100,
      actors: { models: gateOf(story.gate ?? plainGate), work: supervisor({ actors: workers, children }) },
      children: [
        { id: 'models', src: 'models', shutdownMs: 100 },
        { id: 'work', src: 'work', restart: 'temporary' },
      ],
    }).start({ clock: this.clock, inspect: (event) => this.#inspect(event) });
  }

  /** Whoever lives at that path, the latest. */
  find(path: string): AnyActorRef | undefined {
    return [...this.#paths].findLast(([actor, known]) => known === path && !hasStopped(actor))?.[0];
  }

  get gate(): Gate {
    return gateHandle(() => this.find('app/models'));
  }

  /** In order; while it is being started it is not to be had yet. */
  stop(): void {
    void (this.app as App | undefined)?.stop();
  }

  abort(): void {
    this.#controller.abort('enough');
  }

  endTarget(end: (target: AnyActorRef) => void): void {
    this.#targetEndedAt ??= this.told.length;
    end(this.target);
  }

  /** Lets time pass until nothing waits for it any more. */
  async rest(): Promise<void> {
    for (let moment = 0; moment < mostMoments; moment++) {
      await this.clock.flush();
      await this.clock.flush();
      this.#look();
      const next = this.clock.nextAt();
      if (next === undefined) return;
      this.clock.advanceTo(next);
    }
    this.#faults.push(`it does not come to rest: ${this.living().join(', ')}`);
  }

  /** Before any time passes: what has ended has left nothing, and nobody has waited for a deadline that is there for want of anything better. */
  #look(): void {
    const { waiting = 0 } = this.gate.status(key) ?? {};
    const due = this.#workers().filter((actor) => !hasStopped(actor) && mayWait(actor)).length;
    if (waiting > due) this.#faults.push(`${waiting} wait at the gate, of whom ${due} live`);
    for (const { call, isDone, signal } of this.#tools)
      if (call !== undefined && hasStopped(call) && !isDone && !signal.aborted) this.#faults.push('a tool goes on whose call has ended');
    if (this.#endedAt !== null || this.#workers().some((actor) => !hasStopped(actor))) return;
    this.#endedAt = this.clock.now();
    if (this.#endedAt > longestMs) this.#faults.push(`it took ${this.#endedAt} ms`);
    this.#faults.push(...[...this.#running(), ...this.#held()].map((problem) => `at once behind the end of all: ${problem}`));
  }

  /** All that were started. */
  #workers(): readonly AnyActorRef[] {
    return [...this.#paths].flatMap(([actor, path]) => (/^app\/work\/(?!pool$)\w+$/.test(path) && !isUnstarted(actor) ? [actor] : []));
  }

  /** Settles when a step of that kind is taken, from now on. */
  taken(at: Play['at']): Promise<Step> {
    return new Promise((resolve) => this.#plays.add({ at, act: (_, step) => resolve(step) }));
  }

  /** Plays to the end. @returns what is not as it must be */
  async end(): Promise<string[]> {
    await this.rest();
    const atRest = [...this.#running(), ...this.#held(), ...this.#ends()];
    let isStopped = false;
    void this.app.stop().then(() => (isStopped = true));
    await this.rest();
    if (!isStopped) this.#faults.push('the app was never stopped');
    this.target.stop();
    const left = [...this.#paths].filter(([actor]) => !hasStopped(actor) && !isUnstarted(actor)).map(([, path]) => `'${path}' outlives the app`);
    return [...this.#faults, ...atRest, ...left, ...this.#ends()].filter((problem, place, all) => all.indexOf(problem) === place);
  }

  #inspect(event: InspectionEvent): void {
    try {
      this.#note(event);
    } catch (error) {
      // Nobody else would hear of it: what an observer throws is dropped.
      this.#faults.push(`the tower itself failed: ${String(error)}`);
    }
  }

  #note(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    if (event.type === '@xstate.actor') this.#met(actor);
    if (event.type !== '@xstate.snapshot') return;
    const { id } = logicOf(actor) as { id?: string };
    const path = this.#paths.get(actor);
    if (id === undefined || path === undefined || !isNoted(id)) return;
    if (isTalker(actor.id) && event.event.type === 'xstate.init') this.#listen(actor);
    const states = statesIn((event.snapshot as { value?: StateValue }).value ?? {});
    const step: Step = { machine: id, path, event: event.event.type, states, living: this.living() };
    this.steps.push(step);
    for (const play of this.#plays) {
      if (!play.at(step, this.steps.length)) continue;
      this.#plays.delete(play);
      const act = (): void => play.act(this, step);
      if (play.moment === 'midst') act();
      else if (play.moment === 'later') setImmediate(act);
      else queueMicrotask(act);
    }
  }

  #met(actor: AnyActorRef): void {
    const parent = parentOf(actor);
    const path = (parent === undefined ? actor.id : `${this.#paths.get(parent) ?? '?'}/${actor.id}`).replace(/\/pool(?=\/)/, '');
    this.#paths.set(actor, path);
  }

  #listen(talker: AnyActorRef): void {
    talker.on('*', (fact: AnyEventObject) => {
      if (/^(?:conversation|session)\./.test(fact.type)) this.told.push({ ...fact, streamId: talker.id });
    });
    monitor(this.target, talker);
  }

  /** Who lives, below the work and below the gate. */
  living(): readonly string[] {
    const all = [...this.#paths].filter(([actor, path]) => /^app\/(?:work|models)\//.test(path) && !hasStopped(actor));
    return all.map(([, path]) => path);
  }

  /** Below the work nobody lives, no tool and no request goes on, nobody listens and nobody waits for a time. */
  #running(): readonly string[] {
    const listeners = [this.#controller.signal, ...this.#tools.map(({ signal }) => signal)].flatMap((signal) => getEventListeners(signal, 'abort'));
    return [
      ...this.living()
        .filter((path) => /^app\/work\/[^/]+$/.test(path) && !path.endsWith('/pool'))
        .map((path) => `'${path}' goes on`),
      ...this.living()
        .filter((path) => /^app\/work\/[^/]+\//.test(path))
        .map((path) => `'${path}' goes on`),
      ...this.#tools.filter(({ isDone, signal }) => !isDone && !signal.aborted).map(() => 'a tool was not told to end'),
      ...(this.server.openCount === 0 ? [] : [`${this.server.openCount} requests are open`]),
      ...(this.sockets.openCount === 0 ? [] : [`${this.sockets.openCount} sockets are open`]),
      ...(this.clock.pending() === 0 ? [] : [`${this.clock.pending()} timers wait`]),
      ...(listeners.length === 0 ? [] : [`${listeners.length} listen for an abort`]),
    ];
  }

  /** Of every gate that there was: nothing is held, nobody waits, nobody is watched. */
  #held(): readonly string[] {
    const tables = [...this.#paths].flatMap(([actor, path]) => (path === 'app/models' ? (tableOf(actor) ?? []) : []));
    const { held = 0, waiting = 0 } = this.gate.status(key) ?? {};
    return [
      ...(held + waiting === 0 ? [] : [`${held} permits are held, ${waiting} wait`]),
      ...tables.flatMap(({ heldCount, isOver, owners }) => {
        const kept = isOver ? 0 : heldCount;
        return kept + owners.size === 0 ? [] : [`a gate has ${kept} permits out, and watches ${owners.size}`];
      }),
    ];
  }

  /** Each worker has told one end, and nothing behind it; to a target that has died, at most one before. */
  #ends(): readonly string[] {
    const heardUpTo = this.#targetEndedAt ?? Number.POSITIVE_INFINITY;
    return this.#workers().flatMap((actor): string[] => {
      const { id } = actor;
      if (!hasStopped(actor)) return [];
      const own = this.told.filter(({ streamId }) => streamId === id);
      const ends = own.filter(({ type }) => /\.(?:completed|answered|failed|cancelled|closed)$/.test(type));
      const { status } = actor.getSnapshot() as { status: string };
      const downs = this.told.filter(({ actor: ended, type }) => type === 'monitor.down' && ended === actor);
      // A conversation or session that is killed itself tells nothing more; whoever watches it is told.
      const due = isTalker(id) ? (status === 'done' ? 1 : 0) : heardUpTo === Number.POSITIVE_INFINITY ? 1 : null;
      const problems: string[] = [];
      if (due === null ? ends.length > 1 : ends.length !== due)
        problems.push(`'${id}' told ${ends.length} ends: ${ends.map(({ type }) => type).join(', ')}`);
      if (ends.length > 0 && own.at(-1) !== ends.at(-1)) problems.push(`'${id}' told '${own.at(-1)?.type}' after its end`);
      if (isTalker(id) && heardUpTo === Number.POSITIVE_INFINITY && downs.length !== 1)
        problems.push(`the end of '${id}' was seen ${downs.length} times`);
      return problems;
    });
  }
}
