/**
 * JSON that stands between server-sent events without a `data:`, over any number of lines: services in trouble write their errors so.
 *
 * Its end is found by counting brackets, each character looked at once. A line that begins no JSON is none of it, and is passed over.
 */
import { isWholeJson } from './sse.js';

/** What a line comes to: nothing yet, a text that is whole JSON, or more than the limit. */
export type BareNews = { readonly kind: 'none' } | { readonly kind: 'whole'; readonly text: string } | { readonly kind: 'tooLong' };

const none: BareNews = { kind: 'none' };

/** See above. */
export class BareJson {
  readonly #maxLength: number;
  #lines: string[] = [];
  #length = 0;
  #depth = 0;
  /** Brackets that closed around what is no JSON, or a text that a line has ended: nobody can say what it was to be. */
  #isBroken = false;

  /** @param maxLength  characters */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Has something begun that did not come to its end? */
  get isPending(): boolean {
    return this.#depth > 0 || this.#isBroken;
  }

  /** Would this line begin one? */
  begins(line: string): boolean {
    return this.#depth === 0 && /^\s*[{[]/.test(line);
  }

  /** An event came: whatever has begun is given up. */
  forget(): void {
    this.#drop(false);
  }

  add(line: string): BareNews {
    if (this.#depth === 0 && !this.begins(line)) return none;
    this.#lines.push(line);
    this.#length += line.length + 1;
    if (this.#length > this.#maxLength) return { kind: 'tooLong' };
    // No text of JSON goes on in the next line.
    if (!this.#count(line)) return this.#drop(true);
    if (this.#depth > 0) return none;
    const text = this.#lines.join('\n');
    const isWhole = isWholeJson(text);
    this.#drop(!isWhole);
    return isWhole ? { kind: 'whole', text } : none;
  }

  #drop(isBroken: boolean): BareNews {
    this.#lines = [];
    this.#length = 0;
    this.#depth = 0;
    this.#isBroken = isBroken;
    return none;
  }

  /** Brackets outside of texts. @returns false where the line ends inside a text */
  #count(line: string): boolean {
    let isText = false;
    for (let index = 0; index < line.length; index++) {
      const code = line.charCodeAt(index);
      if (isText) {
        if (code === backslash) index++;
        else if (code === quote) isText = false;
      } else if (code === quote) isText = true;
      else if (code === braceOpen || code === bracketOpen) this.#depth++;
      else if ((code === braceClose || code === bracketClose) && this.#depth > 0) this.#depth--;
    }
    return !isText;
  }
}

const [quote, backslash, braceOpen, braceClose, bracketOpen, bracketClose] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];
