/** Makes a failing schedule short and simple: no step of what is left can be taken away, and no number of it made rounder or smaller. */
import type { FaultOperation, Schedule, ScheduleStep } from './schedule.js';

/** Says whether a schedule still fails, in the same way. */
export type StillFails = (schedule: Schedule) => Promise<boolean>;

/**
 * The shortest that was found (delta debugging over the steps, then simpler links, then simpler steps). An operation's `simpler` must come to an end.
 * @param mostRuns  runs that this may take; what it has by then is good enough
 */
export async function shortened(
  found: Schedule,
  stillFails: StillFails,
  { mostRuns, operations }: { readonly mostRuns: number; readonly operations: Readonly<Record<string, FaultOperation>> },
): Promise<Schedule> {
  let best = found;
  let runs = 0;
  const better = async (candidate: Schedule): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs++;
    if (!(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };
  await leaveOut(() => best, better);
  if (best.isCalm !== true && (await better({ ...best, isCalm: true }))) await leaveOut(() => best, better);
  // What is simpler may make another step needless, or let another be simpler still.
  while (await simplify(() => best, better, operations)) await leaveOut(() => best, better);
  return best;
}

type Better = (candidate: Schedule) => Promise<boolean>;

async function leaveOut(best: () => Schedule, better: Better): Promise<void> {
  for (let size = Math.max(1, Math.ceil(best().steps.length / 2)); size >= 1; ) {
    let isShorter = false;
    for (let from = 0; from < best().steps.length; ) {
      const { steps } = best();
      if (await better({ ...best(), steps: [...steps.slice(0, from), ...steps.slice(from + size)] })) isShorter = true;
      else from += size;
    }
    if (size === 1 && !isShorter) return;
    size = Math.max(1, Math.floor(size / 2));
  }
}

async function simplify(best: () => Schedule, better: Better, operations: Readonly<Record<string, FaultOperation>>): Promise<boolean> {
  let isSimpler = false;
  for (let index = 0; index < best().steps.length; index++) {
    for (let goesOn = true; goesOn; ) {
      goesOn = false;
      for (const steps of [...sooner(best().steps, index), ...simpler(best().steps, index, operations)]) {
        if (!(await better({ ...best(), steps }))) continue;
        [goesOn, isSimpler] = [true, true];
        break;
      }
    }
  }
  return isSimpler;
}

type Steps = readonly ScheduleStep[];

/** One step closer to the one before it: with all that follow, or alone. */
function sooner(steps: Steps, index: number): Steps[] {
  const step = steps[index] as ScheduleStep;
  const before = steps[index - 1]?.atMs ?? 0;
  return [0, ...rounder(step.atMs - before)].flatMap((gap) => {
    const byMs = step.atMs - before - gap;
    if (byMs <= 0) return [];
    const moved = steps.slice(index).map((one) => ({ ...one, atMs: one.atMs - byMs }));
    return [
      [...steps.slice(0, index), ...moved],
      [...steps.slice(0, index), ...moved.slice(0, 1), ...steps.slice(index + 1)],
    ];
  });
}

/** One step with one thing simpler. */
function simpler(steps: Steps, index: number, operations: Readonly<Record<string, FaultOperation>>): Steps[] {
  const step = steps[index] as ScheduleStep;
  const found: ScheduleStep[] = [];
  if ('operation' in step) {
    for (const input of operations[step.operation]?.simpler?.(step.input) ?? []) found.push({ ...step, input });
  } else {
    if ('chance' in step && step.chance < 1) found.push({ ...step, chance: 1 });
    if (step.fault === 'partition' && step.oneWay) found.push({ ...step, oneWay: false });
    if ('forMs' in step) found.push(...rounder(step.forMs).map((forMs) => ({ ...step, forMs })));
    if ('byMs' in step && step.byMs > 0) found.push(...rounder(step.byMs).map((byMs) => ({ ...step, byMs })));
  }
  return found.map((one) => steps.with(index, one));
}

/** Round numbers below a number, least first: 1, 2, 5, 10, … and the number itself with its last digits cut off. */
function rounder(value: number): number[] {
  const round: number[] = [];
  for (let unit = 1; unit < value; unit *= 10) round.push(unit, 2 * unit, 5 * unit, Math.floor(value / unit) * unit);
  return [...new Set(round)].filter((one) => one < value).sort((a, b) => a - b);
}
