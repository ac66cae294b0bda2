/** The callers of a supervisor under test: what they asked, what came back, and what every kind of supervisor owes them. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { poolOf } from './fake-pool.js';
import type { Claim } from './invariants.js';
import type { Case } from './walk.js';
import type { World } from './world.js';
import type { SupervisorCall, SupervisorOrder } from '../../machines/supervision/supervisor-state.js';
import { type ExitReason, reasonOfOutput, startOfOutput } from '../../machines/supervision/exit.js';

type WithoutCall<Call> = Call extends unknown ? Omit<Call, 'call'> : never;

/** What a supervisor's chart keeps of those who wait. */
interface Waiting {
  readonly mailbox: readonly { readonly type: string }[];
  readonly job: { readonly kind: string } | null;
  readonly maxPending: number;
  /** Of a static supervisor. */
  readonly children?: readonly { readonly status: string }[];
  /** Of a dynamic one. */
  readonly retrying?: object;
}

/** Every call made so far, oldest first. */
export function callsOf<M extends AnyStateMachine>(world: World<M>): SupervisorCall[] {
  return (world.notes['calls'] ??= []) as SupervisorCall[];
}

/** The calls that have no answer yet. */
export function unanswered<M extends AnyStateMachine>(world: World<M>): readonly SupervisorCall[] {
  return callsOf(world).filter(({ call }) => answersTo(world, call).length === 0);
}

function answersTo<M extends AnyStateMachine>(world: World<M>, call: string): readonly AnyEventObject[] {
  return world.emitted.filter((event) => event.type === 'call.replied' && event['call'] === call);
}

/** What an idle supervisor owes a call: an answer at once (compared in what is named here), or the state that works on it. */
export type Due = { readonly answer: object } | { readonly becomes: string };

interface CallOptions<M extends AnyStateMachine> {
  readonly when?: (world: World<M>) => boolean;
  /** For a call that finds the supervisor idle; `world.before` is how. */
  readonly due: (world: World<M>, call: SupervisorCall) => Due;
}

/** A case: somebody calls, unless enough calls wait already. One is enough, two where the mailbox of one is to overflow. */
export function asks<M extends AnyStateMachine>(
  name: string,
  request: WithoutCall<SupervisorCall> | ((world: World<M>) => WithoutCall<SupervisorCall>),
  { when = () => true, due }: CallOptions<M>,
): Case<M> {
  return {
    name,
    when: (world) => unanswered(world).length < (waitingIn(world).maxPending === 1 ? 2 : 1) && when(world),
    run: (world) => {
      const asked = typeof request === 'function' ? request(world) : request;
      const made = { ...asked, call: `#${(world.notes['callCount'] = Number(world.notes['callCount'] ?? 0) + 1)}` } as SupervisorCall;
      callsOf(world).push(made);
      world.actor.send(made as never);
    },
    owes: (world) => {
      const made = callsOf(world).at(-1) as SupervisorCall;
      const owed = dueTo(world, made, due);
      const result = answersTo(world, made.call)[0]?.['result'] as object | undefined;
      if (owed === undefined) return result === undefined ? undefined : `answered at once: ${JSON.stringify(result)}`;
      if ('becomes' in owed) return stateOf(world.snapshot) === owed.becomes ? undefined : `it is ${stateOf(world.snapshot)}, not ${owed.becomes}`;
      return isLike(result, owed.answer) ? undefined : `answered ${JSON.stringify(result)}, not ${JSON.stringify(owed.answer)}`;
    },
  };
}

/** What the call is owed now; undefined when it has to wait. */
function dueTo<M extends AnyStateMachine>(world: World<M>, call: SupervisorCall, due: CallOptions<M>['due']): Due | undefined {
  const before = stateOf(world.before);
  const isQuestion = call.type === 'call.whichChildren' || call.type === 'call.countChildren';
  if (before === 'draining') return isQuestion ? due(world, call) : { answer: { ok: false, reason: 'draining' } };
  if ((call.type as string) === 'call.unheardOf') return { answer: { ok: false, reason: 'unknownCall' } };
  if (before === 'running') return due(world, call);
  const { mailbox, maxPending } = (world.before as unknown as { context: Waiting }).context;
  return mailbox.filter((message) => 'call' in message).length >= maxPending ? { answer: { ok: false, reason: 'overloaded' } } : undefined;
}

/** The outermost state. */
export function stateOf(snapshot: unknown): string {
  const { value } = snapshot as { value: string | object };
  return typeof value === 'string' ? value : (Object.keys(value)[0] as string);
}

function isLike(got: object | undefined, wanted: object): boolean {
  return (
    got !== undefined &&
    Object.entries(wanted).every(([key, value]) => JSON.stringify((got as Record<string, unknown>)[key]) === JSON.stringify(value))
  );
}

/** Orders to end, and their oracle: taken at once by an idle or draining supervisor, in order of arrival by a busy one. */
export function orderCases<M extends AnyStateMachine>(): readonly Case<M>[] {
  const order = (name: string, event: SupervisorOrder, exits: ExitReason): Case<M> => ({
    name,
    rare: true,
    run: (world) => {
      const state = stateOf(world.snapshot);
      world.notes['ordered'] = true;
      const isTaken = state === 'running' || (state === 'draining' && event.type !== 'supervisor.drain');
      if (isTaken) world.notes['exits'] = exits;
      if (event.type === 'supervisor.drain') world.notes['drained'] = true;
      if (event.type === 'supervisor.drain' && (state === 'running' || (state === 'draining' && event.deadlineMs !== undefined))) {
        world.notes['drainedBy'] = world.clock.now() + (event.deadlineMs ?? Infinity);
      }
      world.actor.send(event as never);
    },
    owes: (world) => {
      const before = stateOf(world.before);
      const wanted = event.type === 'supervisor.drain' ? ['draining', 'stopping', 'stopped'] : ['stopping', 'stopped'];
      const allowed = before === 'running' || before === 'draining' ? wanted : [before];
      if (!allowed.includes(stateOf(world.snapshot))) return `it was ${before}, it is ${stateOf(world.snapshot)}`;
      if (before === 'draining') return waitingIn(world).mailbox.length === 0 ? undefined : 'the order waits';
      const waits = waitingIn(world).mailbox.some(({ type }) => type === event.type);
      return waits === (allowed.length === 1) ? undefined : `the order ${waits ? 'waits' : 'is lost'}`;
    },
  });
  return [
    order('shutdown', { type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] }, ['shutdown', 'deploy']),
    order('stop', { type: 'supervisor.stop' }, 'normal'),
    order('drain', { type: 'supervisor.drain', deadlineMs: 300 }, 'shutdown'),
    order('drain without a deadline', { type: 'supervisor.drain' }, 'shutdown'),
  ];
}

/** The chart goes on in another process, on a clock 10 ms ahead: callers who waited are gone. */
export function rebase<M extends AnyStateMachine>(world: World<M>): void {
  const gone = waitingIn(world).mailbox.map((message) => (message as { call?: string }).call);
  world.notes['calls'] = callsOf(world).filter(({ call }) => !gone.includes(call));
  world.notes['rebased'] = true;
  world.report('pool', { type: 'clock.rebased', offsetMs: 10 } as never);
}

/** The next order of a model's `finish`. */
export function orderShutdown<M extends AnyStateMachine>(world: World<M>): void {
  const state = stateOf(world.snapshot);
  world.notes['ordered'] = true;
  if (state === 'running' || state === 'draining') world.notes['exits'] = 'shutdown';
  world.actor.send({ type: 'supervisor.shutdown' } as never);
}

function waitingIn<M extends AnyStateMachine>(world: World<M>): Waiting {
  return (world.snapshot as unknown as { context: Waiting }).context;
}

/** For the search key: a message without what only names its caller. */
export function inWords(message: object): string {
  const { type, id } = message as { type: string; id?: string };
  return id === undefined ? type : `${type} ${id}`;
}

/** Notes for {@link callClaims}: give it to the model's `observe`. */
export function noteFacts<M extends AnyStateMachine>(world: World<M>): void {
  const exits = (world.notes['exited'] ??= []) as object[];
  for (const event of world.emittedNow) {
    if (event.type === 'child.exited' && event['willRestart'] === true) exits.push({ id: event['id'], at: world.clock.now() });
  }
}

/** What every kind of supervisor owes its callers. */
export function callClaims<M extends AnyStateMachine>(): Readonly<Record<string, Claim<M>>> {
  return {
    // Calls that wait at the end are the handle's to answer: it has the exit reason.
    'every call is answered once, or waits': (world) => {
      const { mailbox, job } = waitingIn(world);
      const waiting = [...mailbox, ...(job === null || stateOf(world.snapshot) === 'running' ? [] : [job])].map(
        (message) => (message as { call?: string }).call,
      );
      for (const { call, type } of callsOf(world)) {
        const answers = answersTo(world, call).length;
        if (answers > 1) return `${type} has ${answers} answers`;
        if (answers === 0 && !waiting.includes(call) && isActive(world)) return `${type} is lost`;
      }
      return undefined;
    },
    'it rests only when its mailbox is empty': (world) => {
      const inner = Object.values((world.snapshot as { value: string | object }).value)[0] as unknown;
      if (isActive(world) && inner === 'serving') return 'it rests in serving';
      if (stateOf(world.snapshot) !== 'running') return undefined;
      const { mailbox, children, retrying } = waitingIn(world);
      if (mailbox.length > 0) return mailbox.map(inWords).join(', ');
      const waiting = children?.filter(({ status }) => status === 'restarting').length ?? Object.keys(retrying ?? {}).length;
      if (waiting > world.clock.pending()) return `${waiting} children wait for a restart, ${world.clock.pending()} timers are set`;
      return (inner === 'awaitingRetry') === waiting > 0 ? undefined : `${waiting} children wait for a restart, it is ${String(inner)}`;
    },
    'a child with a budget of its own never spends more': (world) => {
      const exits = (world.notes['exited'] ?? []) as readonly { id: string; at: number }[];
      for (const { id, spec } of poolOf(world).children) {
        const { budget } = spec;
        if (budget === undefined) continue;
        const recent = exits.filter((exit) => exit.id === id && exit.at >= world.clock.now() - budget.periodMs).length;
        if (recent > budget.intensity) return `${id} restarts ${recent} times`;
      }
      return undefined;
    },
    'no more calls wait than may': (world) => {
      const waiting = waitingIn(world).mailbox.filter((message) => 'call' in message).length;
      return waiting > waitingIn(world).maxPending ? `${waiting} wait` : undefined;
    },
    'a drain has the deadline that it was given last': (world) => {
      const { drainedBy } = world.notes;
      const waiting = waitingIn(world).children?.some(({ status }) => status === 'restarting') === true;
      if (!isActive(world) || stateOf(world.snapshot) !== 'draining' || drainedBy === undefined || waiting) return undefined;
      return world.clock.nextAt() === drainedBy ? undefined : `it drains until ${String(world.clock.nextAt())}, not ${Number(drainedBy)}`;
    },
    'it exits with the reason that it was told last': (world) => {
      const { exits } = world.notes;
      const gaveUp = world.emitted.some(({ type }) => type === 'supervisor.gaveUp');
      if (isActive(world) || stateOf(world.snapshot) !== 'stopped' || (exits === undefined && !gaveUp)) return undefined;
      const reason = JSON.stringify(reasonOfOutput((world.snapshot as { output?: unknown }).output));
      const wanted = JSON.stringify(gaveUp ? 'shutdown' : exits);
      return reason === wanted ? undefined : `exits ${reason}, not ${wanted}`;
    },
    'an invalid input fails the start': (world) =>
      (world.start === 'invalid') === (stateOf(world.snapshot) === 'failed' && world.emitted.length === 0 && world.notes['init'] === undefined)
        ? undefined
        : 'it does not',
    'it stops only when told to, or gives up': (world) => {
      const state = stateOf(world.snapshot);
      if ((state !== 'stopping' && state !== 'stopped') || world.notes['ordered'] === true) return undefined;
      const { autoShutdown } = (world.snapshot as { context?: { autoShutdown?: string } }).context ?? {};
      const gaveUp = world.emitted.some(({ type }) => type === 'supervisor.gaveUp');
      return gaveUp || (autoShutdown !== undefined && autoShutdown !== 'never') ? undefined : `it is ${state}`;
    },
    'a start that fails says why, one that is declined says so': (world) => {
      const state = stateOf(world.snapshot);
      if (isActive(world) || (state !== 'failed' && state !== 'declined')) return undefined;
      const { start, emitted, notes } = world;
      const snapshot = world.snapshot as { output?: unknown; context?: { problem: { term: unknown } | null } };
      const got = startOfOutput(snapshot.output);
      const failed = emitted.find(({ type }) => type === 'child.startFailed');
      const reason =
        start === 'invalid'
          ? snapshot.context?.problem?.term
          : notes['init'] === 'init.failed'
            ? 'unprepared'
            : ['shutdown', ['failedToStartChild', failed?.['id'], failed?.['reason']]];
      const wanted = notes['init'] === 'init.declined' ? { kind: 'declined' } : { kind: 'failed', reason };
      return JSON.stringify(got) === JSON.stringify(wanted) ? undefined : `${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`;
    },
    'its tags say what it is': ({ snapshot }) => {
      const { value, status, tags } = snapshot as unknown as { value: object | string; status: string; tags: ReadonlySet<string> };
      if (status !== 'active') return undefined;
      const at = typeof value === 'string' ? value : Object.keys(value)[0];
      return Object.entries({ starting: 'starting', accepting: 'running', stopping: 'stopping' }).find(
        ([tag, state]) => tags.has(tag) !== (at === state),
      )?.[0];
    },
  };
}

function isActive<M extends AnyStateMachine>(world: World<M>): boolean {
  return (world.snapshot as { status: string }).status === 'active';
}
