/** What is compared: ours, and the peers of bench/peers/live. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { peersFolder, preparePeers } from '../install-peers.js';
import { processSubject, type Subject } from './subject-process.js';

/** The subject that must be right. */
export const ours = 'espalier';

const peers = { '@google/genai': 'genai.js', '@google/adk': 'adk.js' } as const;

/** Names of all subjects, in the order of the report. */
export const subjectNames: readonly string[] = [ours, ...Object.keys(peers)];

/** The subjects to run, and those that cannot be, each with a word why. */
export interface Chosen {
  readonly subjects: readonly Subject[];
  readonly skipped: readonly string[];
}

/**
 * Makes the subjects ready; the peers are installed where they are not.
 * @param say  told, in one line, before an installation begins
 * @returns never rejects: peers that cannot be installed are skipped
 */
export async function chooseSubjects(
  names: readonly string[],
  say: (line: string) => void,
  prepare: typeof preparePeers = preparePeers,
): Promise<Chosen> {
  const folder = join(peersFolder(), 'live');
  const wanted = Object.entries(peers).filter(([name]) => names.includes(name));
  const prepared = wanted.length === 0 ? { ok: true as const } : await prepare(say, folder);
  const own = names.includes(ours)
    ? [processSubject(ours, versionIn(join(peersFolder(), '..', '..')), new URL('./adapters/espalier.js', import.meta.url).href)]
    : [];
  if (!prepared.ok) return { subjects: own, skipped: wanted.map(([name]) => `${name}: skipped, ${prepared.reason}`) };
  const foreign = wanted.map(([name, file]) =>
    processSubject(name, versionIn(join(folder, 'node_modules', name)), pathToFileURL(join(folder, file)).href),
  );
  return { subjects: [...own, ...foreign], skipped: [] };
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
