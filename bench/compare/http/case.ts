/** A row of the comparison: what the server says, and the rule by which what the app saw is right or wrong. */
import type { HttpStep } from '../../../src/testing/index.js';

/** How a stream came to an end, as the app is told. */
export type SeenEnd =
  | { readonly type: 'completed' }
  /** `code`: Google's or HTTP's, where the client's error has one as a field, or in the words of its message. */
  | { readonly type: 'failed'; readonly code: number | string | null; readonly words: string };

/** All that the app saw. */
export interface Seen {
  /** The texts of the model, in order. */
  readonly texts: readonly string[];
  readonly end: SeenEnd;
}

export interface Case {
  /** As `--only` takes it. */
  readonly id: string;
  readonly title: string;
  readonly answer: readonly HttpStep[];
  /** The texts that must be seen, all of them and in order. */
  readonly texts: readonly string[];
  /** How the app must be told of the end; a number: of a failure with that code; `failed`: of any. */
  readonly end: 'completed' | 'failed' | number;
}

/** What a client must offer to be compared. It does what its own documentation shows, and no more. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Asks for a stream and reads it to its end. Rejects for what the client's own error handling does not cover. */
  stream(url: string): Promise<Seen>;
}

/** The rule, in words. */
export function ruleOf({ texts, end }: Case): string {
  const told = end === 'completed' ? 'a completed stream' : end === 'failed' ? 'a failure' : `a failure with the code ${end}`;
  return `${texts.length === 0 ? 'the app sees no text' : `the app sees ${texts.map((text) => JSON.stringify(text)).join(', ')}`} and is told of ${told}`;
}

/** Whether what was seen is right, and if not, why. */
export function verdictOf(which: Case, { texts, end }: Seen): { readonly right: boolean; readonly why: string } {
  const told = end.type === 'completed' ? 'completed' : `failed${end.code === null ? '' : ` ${end.code}`}: ${end.words}`;
  const missing = which.texts.filter((text, place) => texts[place] !== text).length;
  if (which.end === 'completed' && end.type !== 'completed') return { right: false, why: told };
  if (which.end !== 'completed' && end.type === 'completed')
    return { right: false, why: `completed, though ${which.end === 'failed' ? 'it was cut' : `it failed with ${which.end}`}` };
  if (typeof which.end === 'number' && (end.type !== 'failed' || end.code !== which.end))
    return { right: false, why: `the code ${which.end} is hidden: ${told}` };
  if (missing > 0 || texts.length !== which.texts.length) {
    return {
      right: false,
      why: `${told}, and of ${which.texts.length} texts ${texts.length === 0 ? 'none was' : `${which.texts.length - missing} were`} seen`,
    };
  }
  return { right: true, why: told };
}
