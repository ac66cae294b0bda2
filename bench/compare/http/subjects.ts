/** What is compared: ours, and `@google/genai` of bench/peers/live. */
import { join } from 'node:path';
import { peersFolder, preparePeers } from '../../install-peers.js';
import type { Subject } from './case.js';
import { espalier } from './espalier.js';
import { genaiIn, genaiName } from './genai.js';

/** Names of all subjects, in the order of the report. */
export const subjectNames: readonly string[] = [espalier.name, genaiName];

/** The subjects to run, and those that cannot be, each with a word why. Never rejects. */
export async function chooseSubjects(
  names: readonly string[],
  say: (line: string) => void,
  prepare: typeof preparePeers = preparePeers,
): Promise<{ readonly subjects: readonly Subject[]; readonly skipped: readonly string[] }> {
  const own = names.includes(espalier.name) ? [espalier] : [];
  if (!names.includes(genaiName)) return { subjects: own, skipped: [] };
  const folder = join(peersFolder(), 'live');
  const prepared = await prepare(say, folder);
  if (!prepared.ok) return { subjects: own, skipped: [`${genaiName}: skipped, ${prepared.reason}`] };
  return { subjects: [...own, genaiIn(folder)], skipped: [] };
}
