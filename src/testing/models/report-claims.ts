/** What every kind of supervisor tells beside the bare facts: a report of each thing that went wrong, and why somebody came back. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { ResolvedSpec } from '../../../machines/supervision/child-spec.js';
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { EndedChild } from '../../../machines/supervision/pool.js';
import { isExpectedOfAll, isExpectedStop, isReported } from '../../../machines/supervision/restart-policy.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { poolOf } from './fake-pool.js';
import { stateOf } from './supervisor-calls.js';

/** What the charts of supervisors have in common here. */
interface Teller {
  /** Absent in a static supervisor, null in a dynamic one without template. */
  readonly template?: ResolvedSpec | null;
  readonly restarts: readonly number[];
  readonly job: { readonly kind: string; readonly id: string; readonly cause: unknown } | null;
}

function contextOf(snapshot: unknown): Teller {
  return (snapshot as { readonly context: Teller }).context;
}

export function reportClaims<M extends AnyStateMachine>(): Readonly<Record<string, Claim<M>>> {
  return {
    'what goes wrong is reported, beside the fact that it is about, and nothing else': (run) => {
      const wanted = run.emittedNow.flatMap((fact) => reportsOf(run, fact).map((report) => JSON.stringify(report)));
      const told = run.emittedNow.filter(({ type }) => type === 'supervisor.report').map((report) => JSON.stringify(report));
      return told.join() === wanted.join() ? undefined : `reported ${told.join() || 'nothing'}, not ${wanted.join() || 'nothing'}`;
    },
    'who comes back is told with the cause': (run) => {
      const { job, restarts } = contextOf(run.before);
      const isRestart = stateOf(run.before) === 'restarting' && job?.kind === 'restart';
      for (const [index, { type, id, run: incarnation }] of run.emittedNow.entries()) {
        if (type !== 'child.started') continue;
        const told = JSON.stringify(run.emittedNow[index + 1] ?? null);
        const { cause, id: because } = job ?? {};
        const wanted = JSON.stringify({ type: 'child.restarted', id, run: incarnation, cause, attempt: restarts.length, because });
        if ((told === wanted) !== isRestart) return `${String(id)} has started: ${told} is told after it`;
      }
      return undefined;
    },
  };
}

/** The reports that are due for one fact. @see OTP supervisor.erl, its calls of report_error/4 */
function reportsOf<M extends AnyStateMachine>(run: Run<M>, fact: AnyEventObject): readonly object[] {
  const { id, reason } = fact as unknown as { readonly id: string; readonly reason: ExitReason };
  const report = (context: string, why: unknown = reason): object => ({ type: 'supervisor.report', context, id, reason: why });
  switch (fact.type) {
    case 'child.exited':
      return isReported(specOf(run, id).restart, reason) ? [report('childTerminated')] : [];
    case 'child.startFailed':
      // A caller is told by the answer.
      return stateOf(run.before) === 'startingChild' ? [] : [report('startError')];
    case 'child.stopped': {
      const { template } = contextOf(run.snapshot);
      const isExpected = template === null ? isExpectedOfAll(specOf(run, id), reason, false) : isExpectedStop(specOf(run, id), reason);
      return isExpected ? [] : [report('shutdownError')];
    }
    case 'supervisor.gaveUp':
      return [report('shutdown', 'reachedMaxRestartIntensity')];
    case 'children.stopped':
      return reportsOfAll(run, fact['ended'] as readonly EndedChild[]);
    default:
      return [];
  }
}

/** The instances of a template are reported together, reason by reason. */
function reportsOfAll<M extends AnyStateMachine>(run: Run<M>, ended: readonly EndedChild[]): readonly object[] {
  const template = contextOf(run.snapshot).template ?? null;
  const unexpected = ended.filter(({ id, reason }) => !isExpectedOfAll(specOf(run, id), reason, template !== null));
  const line = { type: 'supervisor.report', context: 'shutdownError' };
  if (template === null) return unexpected.map(({ id, reason }) => ({ ...line, id, reason }));
  const reasons = [...new Set(unexpected.map(({ reason }) => JSON.stringify(reason)))];
  return reasons.map((text) => {
    const count = unexpected.filter(({ reason }) => JSON.stringify(reason) === text).length;
    return { ...line, id: template.id, reason: JSON.parse(text) as ExitReason, count };
  });
}

function specOf<M extends AnyStateMachine>(run: Run<M>, id: string): ResolvedSpec {
  return poolOf(run).children.findLast((child) => child.id === id)?.spec as ResolvedSpec;
}
