/** Who ended how: what stopping a supervisor resolves to. */
import type { AnyActorRef } from 'xstate';

import type { ExitReason } from '../../machines/supervision/exit.js';
import type { EndedChild } from '../../machines/supervision/pool.js';
import { orphansBelow } from './orphans.js';
import { exitReason } from './watch.js';

/** The end of a supervisor. */
export interface ExitReport {
  readonly id: string;
  readonly reason: ExitReason;
  /** From the request to the end, ms. */
  readonly tookMs: number;
  /** In the order in which they ended; those of a child supervisor beneath it. */
  readonly children: readonly EndedChild[];
  /** Paths of those who had to be killed: `voice/socket`. */
  readonly killed: readonly string[];
  /** Actors that outlive a killed supervisor, because they trap exits and have not finished. */
  readonly orphans: readonly string[];
}

/** The report of a supervisor that has ended. */
export function reportOf(ref: AnyActorRef, tookMs: number): ExitReport {
  const { output } = ref.getSnapshot() as { output?: { children?: readonly EndedChild[] } };
  const children = output?.children ?? [];
  return {
    id: ref.id,
    reason: exitReason(ref) ?? 'normal',
    tookMs,
    children,
    killed: killedPaths(children, ''),
    orphans: orphansBelow(ref).map((orphan) => orphan.id),
  };
}

function killedPaths(children: readonly EndedChild[], above: string, paths: string[] = []): string[] {
  // By index: 100 000 tasks end at once in code that has hardly run, and there an iterator takes five times as long.
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as EndedChild;
    if (!child.killed && child.children === undefined) continue;
    const path = above === '' ? child.id : `${above}/${child.id}`;
    if (child.killed) paths.push(path);
    if (child.children !== undefined) killedPaths(child.children, path, paths);
  }
  return paths;
}
