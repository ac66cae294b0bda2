/** What happens while a play runs, as plain records: what the supervisors and the session emit, and what was said. */

import { type ExitReason, isClean } from '../../../machines/supervision/exit.js';
import { reasonWords } from './states.js';

/** One fact. `from` is the path of the actor that told it: `app/voice`. */
export interface Fact {
  readonly type: string;
  readonly from: string;
  /** Since the play began, ms. */
  readonly atMs: number;
  readonly [field: string]: unknown;
}

/** A fact before it is known who told it, and when. */
export type Told = { readonly type: string; readonly [field: string]: unknown };

/** Facts after which the tree is drawn again where it cannot be redrawn in place. */
const turningPoints = new Set(['tool.called', 'tool.cancelled', 'child.exited', 'child.restarted', 'supervisor.gaveUp']);

export function isTurningPoint({ type }: Fact): boolean {
  return turningPoints.has(type);
}

/** A fact after which the conversation cannot go on: what went wrong, in words; else null. */
export function disasterOf(fact: Fact): string | null {
  if (fact.type === 'session.failed') return `the session failed: ${String(fact['reason'])} (${String(fact['kind'])}, ${String(fact['code'])})`;
  if (fact.type === 'supervisor.gaveUp') return `the supervisor ${fact.from} gave up: too many restarts of ${String(fact['id'])}`;
  if (fact.type === 'child.exited' && fact['willRestart'] === false && !isClean(fact['reason'] as ExitReason)) {
    return `${fact.from}/${String(fact['id'])} ended for good: ${reasonWords(fact['reason'])}`;
  }
  return null;
}
