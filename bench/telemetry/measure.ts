/** What is measured of each subject. */
import { Stopwatch } from '../stopwatch.js';
import type { Rig } from './subject.js';

/** Values of the label: as many as an app has outcomes. */
export const outcomes: readonly string[] = Array.from({ length: 20 }, (_, n) => `outcome-${n}`);

/** @returns ns for each record of a counter */
export async function counts(rig: Rig, records: number): Promise<number> {
  const watch = new Stopwatch();
  for (let n = 0; n < records; n++) rig.count(outcomes[n % outcomes.length] as string);
  const ns = (watch.read() * 1_000_000) / records;
  await expectAll(records, (outcome) => rig.counted(outcome));
  return ns;
}

/** @returns ns for each record of a histogram */
export async function times(rig: Rig, records: number): Promise<number> {
  const watch = new Stopwatch();
  for (let n = 0; n < records; n++) rig.time(outcomes[n % outcomes.length] as string, (n % 1_000) / 500);
  const ns = (watch.read() * 1_000_000) / records;
  await expectAll(records, (outcome) => rig.timed(outcome));
  return ns;
}

async function expectAll(records: number, ask: (outcome: string) => number | Promise<number>): Promise<void> {
  let sum = 0;
  for (const outcome of outcomes) sum += await ask(outcome);
  if (sum !== records) throw new Error(`expected all ${records} to be there, got: ${sum}`);
}
