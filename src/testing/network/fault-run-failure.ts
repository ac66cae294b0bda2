/** A fault run that broke a claim, and how to break it again. */
import { type Schedule, stepText } from './schedule.js';

export interface FaultRunDetails {
  /** What was broken: the name of an invariant, `progress`, or `nothing throws`. */
  readonly claim: string;
  readonly problem: string;
  readonly seed: number;
  readonly schedule: Schedule;
  /** Of that schedule's run. */
  readonly trace: readonly string[];
  readonly note?: string | undefined;
}

/** Lines of the trace that a message shows: the last. */
const shownLines = 60;

/** A broken claim, by the shortest schedule that was found. */
export class FaultRunFailure extends Error {
  override readonly name = 'FaultRunFailure';
  readonly claim: string;
  readonly problem: string;
  readonly seed: number;
  /** For `faultRun({ …, seed, schedule })`. */
  readonly schedule: Schedule;
  /** Every line, up to the network's limit. */
  readonly trace: readonly string[];
  readonly note: string | undefined;

  constructor({ claim, problem, seed, schedule, trace, note }: FaultRunDetails, cause?: unknown) {
    const left = trace.length - shownLines;
    const lines = [
      `${claim}: ${problem}`,
      `  seed: ${seed}${schedule.isCalm === true ? ', on calm links' : ''}`,
      `  steps: ${schedule.steps.length}`,
      ...schedule.steps.map((step) => `  ${stepText(step)}`),
      ...(note === undefined ? [] : [`  note: ${note}`]),
      `  again: faultRun({ …, seed: ${seed}, schedule: ${JSON.stringify(schedule)} })`,
      '',
      ...(left > 0 ? [`… after ${left} lines more (\`trace\` has them all):`] : []),
      ...trace.slice(-shownLines),
    ];
    super(lines.join('\n'), cause === undefined ? undefined : { cause });
    this.claim = claim;
    this.problem = problem;
    this.seed = seed;
    this.schedule = schedule;
    this.trace = trace;
    this.note = note;
  }
}
