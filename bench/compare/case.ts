/** A case of the comparison: a script of the server, what the app does, and the rule by which what was seen is right or wrong. */
import type { Step } from '../../src/testing/index.js';
import type { App, ToolPlan } from './app.js';
import type { Observation } from './facts.js';

/** Stands between two steps of a script: the moment from which the ms of the case count. */
export const zero = 'zero';

/** What was seen, held to the rule. */
export interface Verdict {
  readonly right: boolean;
  /** Why, in few words. */
  readonly why: string;
  /** When what decides was seen, ms since zero; null where it was waited for in vain, or takes no time. */
  readonly afterMs: number | null;
}

export interface Case {
  /** As `--only` takes it. */
  readonly id: string;
  readonly title: string;
  /** When it is right, in words. */
  readonly rule: string;
  readonly model: string;
  readonly tool: ToolPlan;
  /** The app's own deadline for the setup, ms. */
  readonly setupMs?: number;
  /** Whether the server grants permessage-deflate. Default true. */
  readonly compression?: boolean;
  /** Played step by step; its waits have no deadline of their own, since one that fails would close the socket. */
  readonly script: readonly (Step | typeof zero)[];
  /** What the app does; it has ended when the promise settles. */
  act(app: App): Promise<void>;
  /** The longest that the case is watched, ms since zero. */
  readonly watchMs: number;
  /** Of a subject whose process lived. */
  judge(seen: Observation): Verdict;
}

/** Right, decided at that moment. */
export function right(why: string, afterMs: number | null = null): Verdict {
  return { right: true, why, afterMs };
}

/** Wrong; without a moment: it was waited for in vain. */
export function wrong(why: string, afterMs: number | null = null): Verdict {
  return { right: false, why, afterMs };
}

/** What was seen, held to the rule of the case; a process that dies is wrong in each. */
export function verdictOf({ judge }: Pick<Case, 'judge'>, seen: Observation): Verdict {
  return seen.exit === null ? judge(seen) : wrong(`its process died: ${seen.exit.words}`, seen.exit.atMs);
}
