/** What is said of a world. */
import type { Paint } from '../../bench/table.js';
import { stepText } from '../../src/testing/network/schedule.js';
import type { Violation } from './trials.js';
import { type DefectVerdict, isCaught, type WorldResult } from './verdicts.js';

/** A world as text: what happened in it, what was broken, what was caught. */
export function render(result: WorldResult, { verbose, hasSeeds }: { readonly verbose: boolean; readonly hasSeeds: boolean }, paint: Paint): string {
  const { world, seeds, events, struck, operations, told, violations, defects, complaints } = result;
  const tried = seeds + violations.length;
  const title = `${world}: ${hasSeeds ? `${tried} seed${tried === 1 ? '' : 's'}, ${events} events, ${violations.length} violations` : 'its defects'}`;
  return [
    paint.bold(title),
    ...(hasSeeds ? [counted('faults', struck), counted('operations', operations), counted('came of it', told)].flat() : []),
    ...violations.flatMap((violation) => renderViolation(world, violation, verbose, paint)),
    ...defects.map((defect) => renderDefect(defect, paint)),
    ...(violations.length === 0
      ? complaints.filter((complaint) => !complaint.startsWith("'")).map((complaint) => `  ${paint.red(`NO PROOF: ${complaint}`)}`)
      : []),
  ].join('\n');
}

function counted(what: string, counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts).sort(([left], [right]) => (left < right ? -1 : 1));
  return entries.length === 0 ? [] : [`  ${what.padEnd(10)}  ${entries.map(([name, count]) => `${name} ${count}`).join(', ')}`];
}

function renderViolation(world: string, violation: WorldResult['violations'][number], verbose: boolean, paint: Paint): string[] {
  const { seed, claim, problem, schedule, note, trace, isShort } = violation;
  const calm = isShort && schedule.isCalm === true ? ', on calm links' : '';
  return [
    `  ${paint.red('VIOLATION')}   seed ${seed}${calm}: ${claim}: ${problem}`,
    ...(isShort ? schedule.steps.map((step) => `    ${stepText(step)}`) : []),
    ...(note === undefined ? [] : [`    note: ${note}`]),
    `    again: ${again(world, violation, isShort)}`,
    ...(verbose ? trace.map((line) => paint.dim(`    ${line}`)) : []),
  ];
}

/** The command line that runs just that once more. */
function again(world: string, { seed, schedule }: Violation, isShort: boolean): string {
  const which = isShort ? `--schedule '${JSON.stringify(schedule).replaceAll("'", String.raw`'\''`)}'` : '--seeds 1';
  return `npm run fault:coordination -- ${world} --seed=${seed} ${which}`;
}

function renderDefect(verdict: DefectVerdict, paint: Paint): string {
  const { defect, breaks, within, caught } = verdict;
  if (isCaught(verdict)) return `  ${paint.green('caught')}      ${defect}: by seed ${caught?.seed} of ${within}, '${breaks}'`;
  const found = caught === undefined ? `no seed of ${within} breaks it` : `seed ${caught.seed} breaks '${caught.claim}': ${caught.problem}`;
  return `  ${paint.red('NOT CAUGHT')}  ${defect}: expected '${breaks}', and ${found}`;
}
