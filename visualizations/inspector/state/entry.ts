/** What the timeline holds: the lines of a recording, and between them what a server tells of branches that are not watched in full. */
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import type { Status } from './actor-view.js';

/** How actors are that nobody watches in full. */
export interface SummaryEntry {
  readonly type: 'summary';
  readonly at: number;
  readonly actors: readonly { readonly actor: string; readonly status: Status; readonly value?: Portable | undefined; readonly events: number }[];
}

/** After a keyframe: who there is in a branch. */
export interface BranchEntry {
  readonly type: 'branch';
  readonly at: number;
  readonly branch: string;
  readonly known: ReadonlySet<string>;
}

export type Entry = RecordedLine | SummaryEntry | BranchEntry;
