/** Makes a scenario a line of the conformance corpus, with the oracle's trace in place of a recorded one, and plays it on our real tree. */
import { otpRules, type OracleRules } from '../../../src/testing/oracle/rules.js';
import { detailOf } from '../../conformance/otp/command.js';
import { canonical, type Interval } from '../../conformance/otp/compare.js';
import type { Child, Json, Line, Scenario, Step } from '../../conformance/otp/line.js';
import { playLine } from '../../conformance/otp/play.js';
import { playOnOracle } from './scenario-on-oracle.js';

/** The line of a scenario. `npm run conformance:otp -- FILE.jsonl --verbose` plays it, too. */
export function lineOf(scenario: Scenario, rules: OracleRules = otpRules): Line {
  const trace = playOnOracle(scenario, rules);
  const playable = withoutTheImpossible(scenario, trace);
  const intervals = (playable === scenario ? trace : playOnOracle(playable, rules)).map((interval) => ({
    ...asRecorded(canonical(interval), endedByThemselves(interval, scenario)),
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

/** Whoever lived below a killed supervisor, at whatever depth, ends in no promised order. @see FORMAT.md §4 rule 3 */
function isLoose({ events }: Interval): boolean {
  const paths = events.map(({ entry }) => entry[1] as string);
  return events.some(
    ({ entry: [what, path, reason] }) => what === 'exit' && reason === 'killed' && paths.some((one) => one.startsWith(`${path as string}/`)),
  );
}

/**
 * The driver comes too late to see why a supervisor ended that gave up in the very moment of its start, as the recorder of real OTP does. One that was
 * told to stop then is seen: its order takes a turn of its own.
 */
function asRecorded(trace: Record<string, Json>, ended: ReadonlySet<string>): Record<string, Json> {
  const events = trace['events'] as readonly (readonly Json[])[];
  const told = events.map((event, index) => {
    const [what, path, reason] = event;
    const isTooLate =
      what === 'exit' && reason === 'shutdown' && events[index - 1]?.[0] === 'start' && events[index - 1]?.[1] === path && ended.has(path as string);
    return isTooLate ? [what, path as Json, 'noproc'] : event;
  });
  return { ...trace, events: told };
}

/** The supervisors that end by themselves in an interval: those that give up, and those whose significant children have ended. */
function endedByThemselves({ events, reports }: Interval, scenario: Scenario): ReadonlySet<string> {
  const gaveUp = reports.flatMap(({ entry: [path, context] }) => (context === 'shutdown' ? [path as string] : []));
  const started = scenario.steps.flatMap(({ child, sup }) =>
    child === undefined ? [] : [[child as Child, `${String(sup)}/${String((child as Child).id)}`] as const],
  );
  const significant = new Set([[scenario.top as Child, 'top'] as const, ...started].flatMap(([child, path]) => [...significantOf(child, path)]));
  const left = events.flatMap(({ entry: [what, path] }) => (what === 'exit' && significant.has(path as string) ? [parentOf(path as string)] : []));
  return new Set([...gaveUp, ...left]);
}

function significantOf({ sup, significant }: Child, path: string): ReadonlySet<string> {
  const below = (sup?.children ?? []).flatMap((child) => [...significantOf(child, `${path}/${String(child.id)}`)]);
  return new Set([...(significant === true ? [path] : []), ...below]);
}

function parentOf(path: string): string {
  return path.replace(/\/[^/]*$/u, '');
}
