/** What has happened on a network, one line each: `<ms> <kind> <what>`. */
import { Paths } from '../world/paths.js';
import { Renderer } from '../world/rendering.js';

/**
 * | kind | the line tells |
 * |---|---|
 * | `boot` | a process starts on a node; `a#2` is the second there |
 * | `send` | a message leaves: `#<number> from → to message`, and when it arrives |
 * | `lost` | a message does not arrive, or nobody takes it, and why |
 * | `wait` | a message arrives at a node that is paused |
 * | `deliver` | a message is handled |
 * | `late` | a reply comes after its call has ended, and is dropped |
 * | `unknown` | a call ends without a reply |
 * | `timer` | a timer of a node fires |
 * | `do` | something is done on a node, by the hand of a test |
 * | `fault`, `heal` | a fault strikes, or is over |
 * | `note` | what a node says of itself |
 */
export type NetworkTraceKind = 'boot' | 'send' | 'lost' | 'wait' | 'deliver' | 'late' | 'unknown' | 'timer' | 'do' | 'fault' | 'heal' | 'note';

/** The lines of one network. Two runs of one program with one seed give the same text, to the byte. */
export class NetworkTrace {
  readonly #lines: string[] = [];
  readonly #limit: number;
  readonly #now: () => number;
  /** Ids that are counted per process (uuids, session ids) are numbered anew, so that they do not tell runs apart. No text has the namespace. */
  readonly #renderer = new Renderer(new Paths(), '\u0000');
  #left = 0;

  /** @param limit  lines kept; those beyond are only counted */
  constructor(now: () => number, limit: number) {
    this.#now = now;
    this.#limit = limit;
  }

  /** The lines so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** All lines, each ended by a line feed. */
  text(): string {
    const rest = this.#left === 0 ? '' : `… and ${this.#left} lines more\n`;
    return this.#lines.map((line) => `${line}\n`).join('') + rest;
  }

  add(kind: NetworkTraceKind, what: string): void {
    if (this.#lines.length < this.#limit) this.#lines.push(`${shownMs(this.#now())} ${kind} ${what}`);
    else this.#left++;
  }

  /** Text that a program wrote, without what differs from run to run. */
  mask(text: string): string {
    return this.#renderer.mask(text);
  }

  /** A value on one line, cut where it is long. */
  brief(value: unknown): string {
    return this.#renderer.brief(value);
  }
}

/** Ms to three places at most. */
export function shownMs(ms: number): string {
  return String(Math.round(ms * 1_000) / 1_000);
}
