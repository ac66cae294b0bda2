/** Makes a scenario a line of the conformance corpus, with the oracle's trace in place of a recorded one, and plays it on our real tree. */
import { otpRules, type OracleRules } from '../../../src/testing/oracle/rules.js';
import { detailOf } from '../../conformance/otp/command.js';
import { canonical, type Interval } from '../../conformance/otp/compare.js';
import type { Json, Line, Scenario, Step } from '../../conformance/otp/line.js';
import { playLine } from '../../conformance/otp/play.js';
import { playOnOracle } from './scenario-on-oracle.js';

/** The line of a scenario. `npm run conformance:otp -- FILE.jsonl --verbose` plays it, too. */
export function lineOf(scenario: Scenario, rules: OracleRules = otpRules): Line {
  const trace = playOnOracle(scenario, rules);
  const playable = withoutTheImpossible(scenario, trace);
  const intervals = (playable === scenario ? trace : playOnOracle(playable, rules)).map((interval) => ({
    ...tolerant(interval),
    ...(isLoose(interval) ? { unordered: true } : {}),
  }));
  return { name: 'random', scenario: playable, golden: { oracle: 'espalier', intervals } };
}

/** What is wrong with the real tree on this line, with the line itself; empty when nothing is. */
export async function complaintOf(line: Line): Promise<string> {
  const outcome = await playLine(line);
  return outcome.status === 'passed' ? '' : `${detailOf(outcome)}\n  sequence ${JSON.stringify(line)}`;
}

/** @throws Error with the first difference and the sequence, when the real tree does not do what the line says */
export async function requireAgreement(line: Line): Promise<void> {
  const complaint = await complaintOf(line);
  // Not by `expect`, which shortens what it shows.
  if (complaint !== '') throw new Error(complaint);
}

/** Does the sequence meet one of the known differences? @see known-differences.jsonl */
export function isKnownToDiffer({ scenario, golden }: Line): boolean {
  const intervals = golden['intervals'] as unknown as readonly GoldenInterval[];
  return (
    intervals.some(({ events }) => events.some((event, index) => endsInItsStart(event, events[index + 1]))) ||
    // An instance that is named while its supervisor is blocked.
    scenario.steps.some((step, index) => step['by'] === 'name' && intervals[index - 1]?.sups[String(step['sup'])] === 'busy')
  );
}

interface GoldenInterval {
  readonly events: readonly (readonly Json[])[];
  readonly sups: Readonly<Record<string, Json>>;
}

/** A supervisor (they are called `s`) that gives up in the very moment of its start. */
function endsInItsStart([what, path]: readonly Json[], next: readonly Json[] | undefined): boolean {
  return what === 'start' && next?.[0] === 'exit' && next[1] === path && /^top(?:\/s\d+)*$/u.test(path as string);
}

/** The driver cannot order a top to end that has not started, nor name an instance that never was. */
function withoutTheImpossible(scenario: Scenario, trace: readonly Interval[]): Scenario {
  const started = new Set<Json>();
  const steps = scenario.steps.map((step, index): Step => {
    for (const { entry } of trace[index - 1]?.events ?? []) if (entry[0] === 'start') started.add(entry[1] ?? null);
    const impossible =
      step.op === 'exit_top' ? !started.has('top') : step['by'] === 'name' && !started.has(`${String(step['sup'])}/${String(step['id'])}`);
    return impossible ? { at: step.at ?? 0, op: 'wait' } : step;
  });
  return steps.every((step, index) => step === scenario.steps[index]) ? scenario : { ...scenario, steps };
}

/** Children of a killed supervisor end in no promised order. @see FORMAT.md §4 rule 3 */
function isLoose({ events }: Interval): boolean {
  const parents = new Set(events.map(({ entry }) => (entry[1] as string).replace(/\/[^/]*$/u, '')));
  return events.some(({ entry: [what, path, reason] }) => what === 'exit' && reason === 'killed' && parents.has(path as string));
}

/** The oracle's trace, without what is known to differ: who is already started, but has just ended, is not named. @see known-differences.jsonl */
function tolerant(interval: Interval): Record<string, Json> {
  const ended = new Set(interval.events.filter(({ entry }) => entry[0] === 'exit').map(({ entry }) => entry[1]));
  const replies = interval.replies.map(([step, reply]): [number, Json] => {
    const [, why] = Array.isArray(reply) ? (reply as readonly Json[]) : [];
    const isStarted = Array.isArray(why) && (why as readonly Json[])[0] === 'already_started';
    return isStarted && ended.has((why as readonly Json[])[1]) ? [step, ['error', ['already_started', '$dead']]] : [step, reply];
  });
  return canonical({ ...interval, replies });
}
