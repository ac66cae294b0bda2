/** Every subject of the supervision benchmark by its name, each loaded alone: what one of them has on its heap is marked in no collection of another. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { peersFolder } from '../install-peers.js';
import { subjectNamed } from '../subject-named.js';
import { smallYoung, type Subject } from './subject.js';

/** The floor, against which ours is held. */
export const floor = 'promise';

/** What restarts nothing, and is the fastest that there is of its kind. */
export const fastestPeer = 'effect-fiberset';

/** They are installed when they are first wanted. */
export const peers: readonly string[] = [fastestPeer, 'effect-fiberset-retry-signal'];

/** Ours: the lane, whose ends are told by a call; the same with {@link flagsOf another heap}; with a promise of each outcome; every actor made by createActor. */
export const ours: readonly string[] = ['espalier', smallYoung, 'espalier-outcome', 'espalier-full'];

/** The flags of Node that a subject's process runs with. */
export function flagsOf(name: string): readonly string[] {
  // MiB. What V8 copies in one piece of a burst that lives is at most that much; by itself it goes to 16.
  return name === smallYoung ? ['--max-semi-space-size=1'] : [];
}

/** In the order of the report. */
export const names: readonly string[] = [floor, ...peers, 'xstate-spawn', ...ours];

/** @throws (as rejection) Error for a name that nobody has */
export async function loadSubject(name: string | undefined): Promise<Subject> {
  return subjectNamed(await loadFamily(name ?? ''), name);
}

async function loadFamily(name: string): Promise<readonly Subject[]> {
  if (name === floor) return [(await import('./promise.js')).promiseSubject];
  if (name === 'xstate-spawn') return [(await import('./xstate-spawn.js')).xstateSpawnSubject];
  if (ours.includes(name)) return (await import('./espalier.js')).espalierSubjects;
  if (!peers.includes(name)) return [];
  const { fiberSet, fiberSetRetrySignal } = (await import(/* @vite-ignore */ pathToFileURL(join(peersFolder(), 'effect-fiberset.js')).href)) as {
    fiberSet: Subject;
    fiberSetRetrySignal: Subject;
  };
  return [fiberSet, fiberSetRetrySignal];
}
