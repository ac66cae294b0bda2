/** Every subject of the gate benchmark by its name, each loaded alone: no other one's code is compiled beside it, and no other one's heap is marked. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { peersFolder } from '../install-peers.js';
import { subjectNamed } from '../subject-named.js';
import type { Subject } from './subject.js';

/** What knows of neither deadlines nor holders, and is the leanest that there is. */
export const leanest = 'async-sema';

/** They are installed when they are first wanted. */
export const peers: readonly string[] = ['p-limit', 'p-queue', leanest, 'bottleneck'];

/** Those of them that can cancel a waiter by itself; p-limit and Bottleneck can only clear their whole queue. */
export const cancelling: readonly string[] = ['p-queue'];

/** Ours, each a way to use a gate: a permit by hand; the same without a promise where it is free; and `run`, which is what the peers have. */
export const ours: readonly string[] = ['espalier', 'espalier-enter', 'espalier-run'];

/** In the order of the report. */
export const names: readonly string[] = [...peers, ...ours];

/** @throws (as rejection) Error for a name that nobody has */
export async function loadSubject(name: string | undefined): Promise<Subject> {
  return subjectNamed(await loadFamily(name ?? ''), name);
}

async function loadFamily(name: string): Promise<readonly Subject[]> {
  if (ours.includes(name)) return (await import('./espalier.js')).espalierSubjects;
  if (!peers.includes(name)) return [];
  // Each of the peers in a file of its own: none loads another.
  const { limiter } = (await import(/* @vite-ignore */ pathToFileURL(join(peersFolder(), 'limiters', `${name}.js`)).href)) as { limiter: Subject };
  return [limiter];
}
