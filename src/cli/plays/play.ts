/** A play: a tree, and the conversation that is held on it. */
import type { Orchestrator } from '../../supervision/orchestrator.js';
import type { Stage } from '../stage/stage.js';

export interface Play {
  /** One line, for people. */
  readonly title: string;
  readonly orchestrator: Orchestrator;
  /** What actors are, by path: `app/voice`. */
  readonly abouts: Readonly<Record<string, string>>;
  /** The name of the task that holds it: `conversation`. */
  readonly task: string;
  /** It may take so long, ms; past it, it has failed. Null: as long as it likes. */
  readonly deadlineMs: number | null;
  /** Holds the conversation: run as a task of the tree, once its children are up. Throws when it goes wrong. */
  direct(signal: AbortSignal): Promise<void>;
}

export type MakePlay = (stage: Stage) => Play;
