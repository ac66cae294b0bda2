/** What every kind of supervisor owes its children between two lives: a start no earlier than due, and no more of them than allowed. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { Intensity, ResolvedSpec } from '../../../machines/supervision/child-spec.js';
import type { SupervisorCall } from '../../../machines/supervision/supervisor-state.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { living, poolOf } from './fake-pool.js';
import { callsOf, stateOf } from './supervisor-calls.js';

/** A child's own restarts, as they are remembered: monotonic ms, newest first. */
export interface Book {
  readonly id: string;
  readonly spec: ResolvedSpec;
  readonly restarts: readonly number[];
  /** Restarts since it was last healthy. */
  readonly attempt: number;
}

interface Restart {
  /** Null once another child has been given the id: then it counts for the supervisor only. */
  readonly id: string | null;
  readonly at: number;
}

/** One child, as whoever watches knows it. */
interface Watched {
  readonly startedAt: number;
  readonly attempt: number;
  readonly restarts: readonly number[];
  /** Its last start failed in a restart, so that the next is one more. */
  readonly owesRetry: boolean;
}

interface RestartNotes {
  /** Exits that are answered by a restart. */
  exited: readonly Restart[];
  /** Starts that failed in a restart. */
  failed: readonly Restart[];
  /** The earliest moment of the next start, of children with a backoff whose restart is outstanding. */
  due: Readonly<Record<string, number>>;
  /** Restarts within the period, newest first. */
  counted: readonly number[];
  watched: Readonly<Record<string, Watched>>;
}

/** What the charts of supervisors have in common here. */
interface Restarter extends Intensity {
  readonly restarts: readonly number[];
  readonly problem: unknown;
  readonly job: { readonly kind: string; readonly id: string } | null;
  readonly mailbox: readonly { readonly type: string; readonly id?: string }[];
  /** Of a static supervisor. */
  readonly children?: readonly { readonly spec: ResolvedSpec; readonly status: string }[];
  /** Of a dynamic one. */
  readonly retrying?: object;
}

/** The remembered restarts of every child. */
type Books<M extends AnyStateMachine> = (run: Run<M>) => readonly Book[];

function notesOf<M extends AnyStateMachine>(run: Run<M>): RestartNotes {
  const fresh: RestartNotes = { exited: [], failed: [], due: {}, counted: [], watched: {} };
  return (run.notes['between lives'] ??= fresh) as RestartNotes;
}

const newcomer: Watched = { startedAt: 0, attempt: 0, restarts: [], owesRetry: false };

/** Notes for {@link restartClaims}: give it to the model's `observe`. */
export function noteRestarts<M extends AnyStateMachine>(run: Run<M>, books: Books<M>): void {
  const notes = notesOf(run);
  const now = run.clock.now();
  const watch = (id: string, change: (one: Watched) => Partial<Watched>): void => {
    const one = notes.watched[id] ?? newcomer;
    notes.watched = { ...notes.watched, [id]: { ...one, ...change(one) } };
  };
  const count = (id: string, at: number): void => {
    notes.counted = within(notes.counted, at, contextOf(run.snapshot).periodMs);
    const { budget } = specOf(run, id) ?? {};
    if (budget !== undefined) watch(id, ({ restarts }) => ({ restarts: within(restarts, at, budget.periodMs) }));
  };
  for (const event of run.emittedNow) {
    const id = String(event['id']);
    const { backoff } = specOf(run, id) ?? {};
    // A child that was forgotten, and another that is given its id, have nothing in common.
    if (event.type === 'child.started' && event['run'] === 1) {
      const ofAnother = (one: Restart): Restart => (one.id === id ? { ...one, id: null } : one);
      notes.exited = notes.exited.map(ofAnother);
      notes.failed = notes.failed.map(ofAnother);
      watch(id, () => newcomer);
    }
    if (event.type === 'child.started') watch(id, () => ({ startedAt: now }));
    const isRestart = event.type === 'child.exited' && event['willRestart'] === true;
    const isFailure = event.type === 'child.startFailed' && stateOf(run.before) === 'restarting';
    if (isRestart) {
      notes.exited = [...notes.exited, { id, at: now }];
      const isHealthy = ({ startedAt }: Watched): boolean => backoff !== undefined && exitedAt(run, id) - startedAt >= backoff.resetAfterMs;
      watch(id, (one) => ({ attempt: isHealthy(one) ? 1 : one.attempt + 1, owesRetry: false }));
      count(id, now);
    }
    if (isFailure) {
      notes.failed = [...notes.failed, { id, at: now }];
      watch(id, ({ attempt }) => ({ attempt: attempt + 1, owesRetry: true }));
    }
    if (backoff !== undefined && (isRestart || isFailure)) {
      const { attempt } = notes.watched[id] ?? newcomer;
      notes.due = { ...notes.due, [id]: now + Math.min(backoff.maxMs, backoff.minMs * backoff.factor ** (attempt - 1)) };
    }
    const settled = settledBy(run, event);
    if (settled !== undefined) notes.due = Object.fromEntries(Object.entries(notes.due).filter(([other]) => other !== settled));
  }
  const retried = retriedBy(run);
  if (retried !== undefined && notes.watched[retried]?.owesRetry === true) {
    watch(retried, () => ({ owesRetry: false }));
    // In the midst of a stretch of time, as soon as it was due.
    const [at = now] = contextOf(run.snapshot).restarts;
    count(retried, at >= failedAt(notes, retried) && at <= now ? at : now);
  }
  const known = books(run).map(({ id }) => id);
  const isNew = (id: string): boolean => poolOf(run).children.some((child) => child.id === id && child.run === 1 && child.state === 'starting');
  notes.watched = Object.fromEntries(Object.entries(notes.watched).filter(([id]) => known.includes(id) && !isNew(id)));
}

function failedAt({ failed }: RestartNotes, id: string): number {
  return failed.findLast((one) => one.id === id)?.at ?? Infinity;
}

/** With one more, without those that have left the window. @see OTP supervisor.erl add_restart/1 */
function within(restarts: readonly number[], now: number, periodMs: number): readonly number[] {
  return [now, ...restarts.filter((at) => now - at <= periodMs)];
}

function specOf<M extends AnyStateMachine>(run: Run<M>, id: string): ResolvedSpec | undefined {
  return poolOf(run).children.findLast((child) => child.id === id)?.spec;
}

function exitedAt<M extends AnyStateMachine>(run: Run<M>, id: string): number {
  return poolOf(run).children.findLast((child) => child.id === id)?.endedAt ?? run.clock.now();
}

/** The child whose failed start is tried again since this step: a restart has begun, and by no exit. */
function retriedBy<M extends AnyStateMachine>({ before, snapshot, emittedNow }: Run<M>): string | undefined {
  const { job } = contextOf(snapshot);
  if (stateOf(snapshot) !== 'restarting' || job?.kind !== 'restart' || job === contextOf(before).job) return undefined;
  return emittedNow.some(({ type, id }) => (type === 'child.exited' || type === 'child.gaveUp') && id === job.id) ? undefined : job.id;
}

/** The child whose restart is no longer outstanding, by that event: it has started, or it is to stay down. */
function settledBy<M extends AnyStateMachine>(run: Run<M>, event: AnyEventObject): string | undefined {
  return ['child.started', 'child.declined', 'child.gaveUp'].includes(event.type) ? String(event['id']) : terminatedBy(run, event);
}

/** The child that somebody wanted to end, if this is the answer that it has. */
function terminatedBy<M extends AnyStateMachine>(run: Run<M>, event: AnyEventObject): string | undefined {
  if (event.type !== 'call.replied' || !(event['result'] as { ok: boolean }).ok) return undefined;
  const ended = callsOf(run).find(
    (call): call is Extract<SupervisorCall, { type: 'call.terminateChild' }> => call.type === 'call.terminateChild' && call.call === event['call'],
  );
  return ended?.id;
}

function contextOf(snapshot: unknown): Restarter {
  return (snapshot as { readonly context: Restarter }).context;
}

/** The children between two attempts. */
function betweenAttempts(snapshot: unknown): readonly string[] {
  const { children, retrying = {} } = contextOf(snapshot);
  return children?.filter(({ status }) => status === 'restarting').map(({ spec }) => spec.id) ?? Object.keys(retrying);
}

/** The children whose next attempt is on the clock. */
function onTheClock<M extends AnyStateMachine>(run: Run<M>): readonly string[] {
  const { _scheduledEvents } = run.actor.system.getSnapshot();
  return Object.values(_scheduledEvents as Readonly<Record<string, { readonly event: AnyEventObject }>>).flatMap(({ event }) =>
    event.type === 'child.retry' ? [String(event['id'])] : [],
  );
}

/** More restarts within the period before the newest than there may be? */
function exceeds(restarts: readonly number[], { intensity, periodMs }: Intensity): boolean {
  const [newest = 0] = restarts;
  return restarts.filter((at) => at >= newest - periodMs).length > intensity;
}

export function restartClaims<M extends AnyStateMachine>(books: Books<M>): Readonly<Record<string, Claim<M>>> {
  return {
    'it never restarts more often than its intensity allows': (run) => {
      const { intensity, periodMs, restarts, problem } = contextOf(run.snapshot);
      return problem === null && exceeds(restarts, { intensity, periodMs }) ? `${restarts.join()} within ${periodMs} ms` : undefined;
    },
    'it counts each restart once, when it comes to it, and no longer than its period': (run) => {
      const { restarts } = contextOf(run.snapshot);
      const { counted, watched } = notesOf(run);
      // On another clock every moment is another one, and the model's own claims say which.
      if (run.notes['rebased'] === true) return undefined;
      if (restarts.join() !== counted.join()) return `counted ${restarts.join()}, not ${counted.join()}`;
      for (const { id, spec, restarts: own } of books(run)) {
        const wanted = watched[id]?.restarts ?? [];
        if (spec.budget !== undefined && own.join() !== wanted.join()) return `counted ${own.join()} of ${id}, not ${wanted.join()}`;
      }
      return undefined;
    },
    'it knows how often each child was tried since it was healthy': (run) => {
      for (const { id, attempt } of books(run)) {
        const wanted = notesOf(run).watched[id]?.attempt ?? 0;
        if (attempt !== wanted && run.notes['rebased'] !== true) return `${id}: ${attempt} times, not ${wanted}`;
      }
      return undefined;
    },
    'a child with a budget of its own never spends more': (run) => {
      const { exited } = notesOf(run);
      for (const { id, spec, restarts } of books(run)) {
        const { budget } = spec;
        if (budget === undefined) continue;
        const exits = exited.filter((exit) => exit.id === id).map(({ at }) => at);
        if (exceeds(exits.reverse(), budget) || exceeds(restarts, budget)) return `${id} restarts after ${exits.length} exits, at ${restarts.join()}`;
      }
      return undefined;
    },
    'nobody gives up who has restarts left': (run) => {
      for (const event of run.emittedNow.filter(({ type }) => type === 'child.gaveUp' || type === 'supervisor.gaveUp')) {
        const isOwn = event.type === 'child.gaveUp';
        const { exited, failed } = notesOf(run);
        const spent = [...exited, ...failed].filter(({ id }) => !isOwn || id === event['id']).length;
        // The start that failed last was not tried again: that is what it gives up.
        const byExit = run.emittedNow.some(({ type, id }) => type === 'child.exited' && id === event['id']);
        const allowed = isOwn ? specOf(run, String(event['id']))?.budget : contextOf(run.snapshot);
        if (allowed === undefined) return `${String(event['id'])} has no budget of its own`;
        if (spent - (byExit ? 0 : 1) < allowed.intensity) return `${String(event['id'])} after ${spent} exits and failed starts`;
      }
      return undefined;
    },
    'nobody comes back before the time': (run) => {
      const { due } = notesOf(run);
      return living(poolOf(run)).find(({ id, start, since }) => start === 'pending' && since < (due[id] ?? 0))?.id;
    },
    'who is told to stay down between two attempts is off the clock': (run) => {
      const told = run.emittedNow.flatMap((event) => terminatedBy(run, event) ?? []);
      const clock = onTheClock(run);
      const forgotten = betweenAttempts(run.before).find((id) => told.includes(id) && clock.includes(id));
      if (forgotten !== undefined || contextOf(run.snapshot).retrying === undefined) return forgotten;
      // In a dynamic supervisor each child has a clock of its own, and a drain restarts nobody.
      const { mailbox } = contextOf(run.snapshot);
      const wait = mailbox.flatMap(({ type, id }) => (type === 'child.retry' && id !== undefined && id !== 'nobody' ? [id] : []));
      return [...clock, ...wait].find((id) => !betweenAttempts(run.snapshot).includes(id));
    },
  };
}
