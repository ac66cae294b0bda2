/** The callers of a supervisor under test: what they asked, what came back, and what every kind of supervisor owes them. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { Claim, EventCase, EventModels } from '../model/model.js';
import type { Run } from '../model/run.js';
import type { SupervisorCall, SupervisorOrder } from '../../../machines/supervision/supervisor-state.js';
import { type ExitReason, reasonOfOutput, startOfOutput } from '../../../machines/supervision/exit.js';

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
export function callsOf<M extends AnyStateMachine>(run: Run<M>): SupervisorCall[] {
  return (run.notes['calls'] ??= []) as SupervisorCall[];
}

/** The calls that have no answer yet. */
export function unanswered<M extends AnyStateMachine>(run: Run<M>): readonly SupervisorCall[] {
  return callsOf(run).filter(({ call }) => answersTo(run, call).length === 0);
}

function answersTo<M extends AnyStateMachine>(run: Run<M>, call: string): readonly AnyEventObject[] {
  return run.emitted.filter((event) => event.type === 'call.replied' && event['call'] === call);
}

/** What an idle supervisor owes a call: an answer at once (compared in what is named here), or the state that works on it. */
export type Due = { readonly answer: object } | { readonly becomes: string };

interface CallOptions<M extends AnyStateMachine> {
  readonly when?: (run: Run<M>) => boolean;
  /** For a call that finds the supervisor idle; `run.before` is how. */
  readonly due: (run: Run<M>, call: SupervisorCall) => Due;
}

/** A case: somebody calls, unless enough calls wait already. One is enough, two where the mailbox of one is to overflow. */
export function asks<M extends AnyStateMachine>(
  request: WithoutCall<SupervisorCall> | ((run: Run<M>) => WithoutCall<SupervisorCall>),
  { when = () => true, due }: CallOptions<M>,
): EventCase<M, never> {
  return {
    when: (run) => unanswered(run).length < (waitingIn(run).maxPending === 1 ? 2 : 1) && when(run),
    payload: (run) => {
      const asked = typeof request === 'function' ? request(run) : request;
      const made = { ...asked, call: `#${(run.notes['callCount'] = Number(run.notes['callCount'] ?? 0) + 1)}` } as SupervisorCall;
      callsOf(run).push(made);
      return made as never;
    },
    owes: (run) => {
      const made = callsOf(run).at(-1) as SupervisorCall;
      const owed = dueTo(run, made, due);
      const result = answersTo(run, made.call)[0]?.['result'] as object | undefined;
      if (owed === undefined) return result === undefined ? undefined : `answered at once: ${JSON.stringify(result)}`;
      if ('becomes' in owed) return stateOf(run.snapshot) === owed.becomes ? undefined : `it is ${stateOf(run.snapshot)}, not ${owed.becomes}`;
      return isLike(result, owed.answer) ? undefined : `answered ${JSON.stringify(result)}, not ${JSON.stringify(owed.answer)}`;
    },
  };
}

/** What the call is owed now; undefined when it has to wait. */
function dueTo<M extends AnyStateMachine>(run: Run<M>, call: SupervisorCall, due: CallOptions<M>['due']): Due | undefined {
  const before = stateOf(run.before);
  const isQuestion = call.type === 'call.whichChildren' || call.type === 'call.countChildren';
  if (before === 'draining') return isQuestion ? due(run, call) : { answer: { ok: false, reason: 'draining' } };
  if ((call.type as string) === 'call.unheardOf') return { answer: { ok: false, reason: 'unknownCall' } };
  if (before === 'running') return due(run, call);
  const { mailbox, maxPending } = (run.before as unknown as { context: Waiting }).context;
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
export function orderEvents<M extends AnyStateMachine>(): EventModels<M> {
  const order = (event: SupervisorOrder, exits: ExitReason): EventCase<M> => ({
    weight: 0.25,
    run: (run) => {
      const state = stateOf(run.snapshot);
      run.notes['ordered'] = true;
      const isTaken = state === 'running' || (state === 'draining' && event.type !== 'supervisor.drain');
      if (isTaken) run.notes['exits'] = exits;
      if (event.type === 'supervisor.drain') run.notes['drained'] = true;
      if (event.type === 'supervisor.drain' && (state === 'running' || (state === 'draining' && event.deadlineMs !== undefined))) {
        run.notes['drainedBy'] = run.clock.now() + (event.deadlineMs ?? Infinity);
      }
      run.actor.send(event as never);
    },
    owes: (run) => {
      const before = stateOf(run.before);
      // Whoever drains has somebody to wait for, and goes on waiting.
      const wanted =
        event.type !== 'supervisor.drain' ? ['stopping', 'stopped'] : before === 'draining' ? [before] : ['draining', 'stopping', 'stopped'];
      const allowed = before === 'running' || before === 'draining' ? wanted : [before];
      if (!allowed.includes(stateOf(run.snapshot))) return `it was ${before}, it is ${stateOf(run.snapshot)}`;
      if (before === 'draining') return waitingIn(run).mailbox.length === 0 ? undefined : 'the order waits';
      const waits = waitingIn(run).mailbox.some(({ type }) => type === event.type);
      return waits === !['running', 'draining'].includes(before) ? undefined : `the order ${waits ? 'waits' : 'is lost'}`;
    },
  });
  return {
    'supervisor.shutdown': { shutdown: order({ type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] }, ['shutdown', 'deploy']) },
    'supervisor.stop': {
      stop: order({ type: 'supervisor.stop' }, 'normal'),
      'stop for a reason': order({ type: 'supervisor.stop', reason: ['shutdown', 'moved'] }, ['shutdown', 'moved']),
    },
    'supervisor.drain': {
      drain: order({ type: 'supervisor.drain', deadlineMs: 300 }, 'shutdown'),
      'drain without a deadline': order({ type: 'supervisor.drain' }, 'shutdown'),
    },
  } as object;
}

/** The chart goes on in another process, on a clock 10 ms ahead: callers who waited are gone. */
export function rebase<M extends AnyStateMachine>(run: Run<M>): { readonly offsetMs: number } {
  const gone = waitingIn(run).mailbox.map((message) => (message as { call?: string }).call);
  run.notes['calls'] = callsOf(run).filter(({ call }) => !gone.includes(call));
  run.notes['rebased'] = true;
  return { offsetMs: 10 };
}

/** What a chart remembers beside its restarts, moved to the other clock: whoever waits, but no caller, and the moment that it was told last. */
export function rebaseFault(before: Remembered, after: Remembered): string | undefined {
  const moved = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) return value.map((one) => moved(one, key));
    if (typeof value === 'number') return ['at', 'startedAt', 'restarts', 'now'].includes(key) ? value + 10 : value;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, moved(one, inner)]));
  };
  const { now, mailbox, retrying = null, job } = before;
  const wanted = moved({ now, mailbox: mailbox.filter((message) => !('call' in message)), retrying, job });
  const is = { now: after.now, mailbox: after.mailbox, retrying: after.retrying ?? null, job: after.job };
  return JSON.stringify(is) === JSON.stringify(wanted) ? undefined : `it remembers ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`;
}

interface Remembered {
  readonly now: number;
  readonly mailbox: readonly object[];
  readonly job: unknown;
  /** Of a dynamic supervisor. */
  readonly retrying?: unknown;
}

/** The next order of a model's `finish`. */
export function orderShutdown<M extends AnyStateMachine>(run: Run<M>): void {
  const state = stateOf(run.snapshot);
  run.notes['ordered'] = true;
  if (state === 'running' || state === 'draining') run.notes['exits'] = 'shutdown';
  run.actor.send({ type: 'supervisor.shutdown' } as never);
}

function waitingIn<M extends AnyStateMachine>(run: Run<M>): Waiting {
  return (run.snapshot as unknown as { context: Waiting }).context;
}

/** For the search key: a message without what only names its caller. */
export function inWords(message: object): string {
  const { type, id } = message as { type: string; id?: string };
  return id === undefined ? type : `${type} ${id}`;
}

/** What every kind of supervisor owes its callers. */
export function callClaims<M extends AnyStateMachine>(): Readonly<Record<string, Claim<M>>> {
  return {
    // Calls that wait at the end are the handle's to answer: it has the exit reason.
    'every call is answered once, or waits': (run) => {
      const { mailbox, job } = waitingIn(run);
      const waiting = [...mailbox, ...(job === null || stateOf(run.snapshot) === 'running' ? [] : [job])].map(
        (message) => (message as { call?: string }).call,
      );
      for (const { call, type } of callsOf(run)) {
        const answers = answersTo(run, call).length;
        if (answers > 1) return `${type} has ${answers} answers`;
        if (answers === 0 && !waiting.includes(call) && isActive(run)) return `${type} is lost`;
      }
      return undefined;
    },
    'it rests only when its mailbox is empty': (run) => {
      const inner = Object.values((run.snapshot as { value: string | object }).value)[0] as unknown;
      if (isActive(run) && inner === 'serving') return 'it rests in serving';
      if (stateOf(run.snapshot) !== 'running') return undefined;
      const { mailbox, children, retrying } = waitingIn(run);
      if (mailbox.length > 0) return mailbox.map(inWords).join(', ');
      const waiting = children?.filter(({ status }) => status === 'restarting').length ?? Object.keys(retrying ?? {}).length;
      if (waiting > run.clock.pending()) return `${waiting} children wait for a restart, ${run.clock.pending()} timers are set`;
      return (inner === 'awaitingRetry') === waiting > 0 ? undefined : `${waiting} children wait for a restart, it is ${String(inner)}`;
    },
    'no more calls wait than may': (run) => {
      const waiting = waitingIn(run).mailbox.filter((message) => 'call' in message).length;
      return waiting > waitingIn(run).maxPending ? `${waiting} wait` : undefined;
    },
    'a drain has the deadline that it was given last': (run) => {
      const { drainedBy } = run.notes;
      const waiting = waitingIn(run).children?.some(({ status }) => status === 'restarting') === true;
      if (!isActive(run) || stateOf(run.snapshot) !== 'draining' || drainedBy === undefined || waiting) return undefined;
      return run.clock.nextAt() === drainedBy ? undefined : `it drains until ${String(run.clock.nextAt())}, not ${Number(drainedBy)}`;
    },
    'it exits with the reason that it was told last': (run) => {
      const { exits } = run.notes;
      const gaveUp = run.emitted.some(({ type }) => type === 'supervisor.gaveUp');
      if (isActive(run) || stateOf(run.snapshot) !== 'stopped' || (exits === undefined && !gaveUp)) return undefined;
      const reason = JSON.stringify(reasonOfOutput((run.snapshot as { output?: unknown }).output));
      const wanted = JSON.stringify(gaveUp ? 'shutdown' : exits);
      return reason === wanted ? undefined : `exits ${reason}, not ${wanted}`;
    },
    'an invalid input fails the start': (run) =>
      (run.start === 'invalid') === (stateOf(run.snapshot) === 'failed' && run.emitted.length === 0 && run.notes['init'] === undefined)
        ? undefined
        : 'it does not',
    'it stops only when told to, or gives up, and drains only when told to': (run) => {
      const state = stateOf(run.snapshot);
      if (state === 'draining' && run.notes['drained'] !== true) return 'nobody told it to drain';
      if ((state !== 'stopping' && state !== 'stopped') || run.notes['ordered'] === true) return undefined;
      const { autoShutdown } = (run.snapshot as { context?: { autoShutdown?: string } }).context ?? {};
      const gaveUp = run.emitted.some(({ type }) => type === 'supervisor.gaveUp');
      return gaveUp || (autoShutdown !== undefined && autoShutdown !== 'never') ? undefined : `it is ${state}`;
    },
    'a start that fails says why, one that is declined says so': (run) => {
      const state = stateOf(run.snapshot);
      if (isActive(run) || (state !== 'failed' && state !== 'declined')) return undefined;
      const { start, emitted, notes } = run;
      const snapshot = run.snapshot as { output?: unknown; context?: { problem: { term: unknown } | null } };
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

function isActive<M extends AnyStateMachine>(run: Run<M>): boolean {
  return (run.snapshot as { status: string }).status === 'active';
}
