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
}

interface Restart {
  /** Null once another child has been given the id: then it counts for the supervisor only. */
  readonly id: string | null;
  readonly at: number;
}

interface RestartNotes {
  /** Exits that are answered by a restart. */
  exited: readonly Restart[];
  /** Starts that failed in a restart. */
  failed: readonly Restart[];
  /** The earliest moment of the next start, of children with a backoff whose restart is outstanding. */
  due: Readonly<Record<string, number>>;
}

function notesOf<M extends AnyStateMachine>(run: Run<M>): RestartNotes {
  return (run.notes['between lives'] ??= { exited: [], failed: [], due: {} } satisfies RestartNotes) as RestartNotes;
}

/** Notes for {@link restartClaims}: give it to the model's `observe`. */
export function noteRestarts<M extends AnyStateMachine>(run: Run<M>): void {
  const notes = notesOf(run);
  const now = run.clock.now();
  for (const event of run.emittedNow) {
    const id = String(event['id']);
    const { backoff } = poolOf(run).children.findLast((child) => child.id === id)?.spec ?? {};
    // A child that was forgotten, and another that is given its id, have nothing in common.
    if (event.type === 'child.started' && event['run'] === 1) {
      const ofAnother = (one: Restart): Restart => (one.id === id ? { ...one, id: null } : one);
      notes.exited = notes.exited.map(ofAnother);
      notes.failed = notes.failed.map(ofAnother);
    }
    const isRestart = event.type === 'child.exited' && event['willRestart'] === true;
    const isFailure = event.type === 'child.startFailed' && stateOf(run.before) === 'restarting';
    if (isRestart) notes.exited = [...notes.exited, { id, at: now }];
    if (isFailure) notes.failed = [...notes.failed, { id, at: now }];
    if (backoff !== undefined && (isRestart || isFailure)) notes.due = { ...notes.due, [id]: now + backoff.minMs };
    const settled = settledBy(run, event);
    if (settled !== undefined) notes.due = Object.fromEntries(Object.entries(notes.due).filter(([other]) => other !== settled));
  }
}

/** The child whose restart is no longer outstanding, by that event: it has started, or it is to stay down. */
function settledBy<M extends AnyStateMachine>(run: Run<M>, event: AnyEventObject): string | undefined {
  if (['child.started', 'child.declined', 'child.gaveUp'].includes(event.type)) return String(event['id']);
  if (event.type !== 'call.replied' || !(event['result'] as { ok: boolean }).ok) return undefined;
  const ended = callsOf(run).find(
    (call): call is Extract<SupervisorCall, { type: 'call.terminateChild' }> => call.type === 'call.terminateChild' && call.call === event['call'],
  );
  return ended?.id;
}

function contextOf<M extends AnyStateMachine>({ snapshot }: Run<M>): Intensity & { readonly restarts: readonly number[]; readonly problem: unknown } {
  return (snapshot as unknown as { context: ReturnType<typeof contextOf> }).context;
}

/** More restarts within the period before the newest than there may be? */
function exceeds(restarts: readonly number[], { intensity, periodMs }: Intensity): boolean {
  const [newest = 0] = restarts;
  return restarts.filter((at) => at >= newest - periodMs).length > intensity;
}

/** @param books  the remembered restarts of every child */
export function restartClaims<M extends AnyStateMachine>(books: (run: Run<M>) => readonly Book[]): Readonly<Record<string, Claim<M>>> {
  return {
    'it never restarts more often than its intensity allows': (run) => {
      const { intensity, periodMs, restarts, problem } = (
        run.snapshot as unknown as { context: Intensity & { restarts: number[]; problem: unknown } }
      ).context;
      return problem === null && exceeds(restarts, { intensity, periodMs }) ? `${restarts.join()} within ${periodMs} ms` : undefined;
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
        const allowed = isOwn ? poolOf(run).children.findLast(({ id }) => id === event['id'])?.spec.budget : contextOf(run);
        if (allowed === undefined) return `${String(event['id'])} has no budget of its own`;
        if (spent - (byExit ? 0 : 1) < allowed.intensity) return `${String(event['id'])} after ${spent} exits and failed starts`;
      }
      return undefined;
    },
    'nobody comes back before the time': (run) => {
      const { due } = notesOf(run);
      return living(poolOf(run)).find(({ id, start, since }) => start === 'pending' && since < (due[id] ?? 0))?.id;
    },
  };
}
