/** The values of lines: whole, for a file that is to be replayed, or within bounds, for a stream that goes on for ever. */
import type { Portable } from '../wire/recording/portable-shape.js';
import type { ActionWriter } from './actions.js';
import { ContextTrack, type ContextNews } from './context-track.js';
import { streamBytes, streamItems, streamLimits } from './limits.js';
import { PortableWriter, type Naming, type Redaction } from './portable.js';

/** How the contexts of transitions are told. */
export type ContextMode = 'whole' | 'patches';

/** What a line does not say of a list. */
export const mostTaken: Readonly<Record<ContextMode, number>> = { whole: Infinity, patches: streamItems.taken };
export const mostActions: Readonly<Record<ContextMode, number>> = { whole: Infinity, patches: streamItems.actions };
/** Bytes of all actions of a line. */
export const mostBytesOfActions: Readonly<Record<ContextMode, number>> = { whole: Infinity, patches: streamBytes.actions };

/** Writes what stands in lines; `bytes` adds up how long it is in JSON, until it is taken. */
export class LineValues implements ActionWriter {
  readonly mode: ContextMode;
  /** Without bounds but those of a file. */
  readonly whole: PortableWriter;
  #bytes = 0;

  constructor(mode: ContextMode, naming: Naming, redaction: Redaction) {
    this.mode = mode;
    this.whole = new PortableWriter(naming, redaction);
  }

  /** How long everything is that was written since this was last asked, bytes of JSON. */
  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  /** What something that was written before adds to a line. */
  addBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  text(text: string): string {
    return this.whole.text(text);
  }

  /** A value of an action, an output, a reason. */
  write(value: unknown): Portable {
    return this.#within(value, streamBytes.other, false);
  }

  /** The event of an action. */
  writeEvent(event: object): Portable {
    return this.#within(event, streamBytes.action, true);
  }

  /** An event on its way. */
  eventOnItsWay(event: object): Portable {
    return this.#within(event, streamBytes.event, true);
  }

  /** The value of a state: keys of its machine. */
  stateValue(value: unknown): Portable {
    if (typeof value !== 'string') return this.#within(value, streamBytes.other, false);
    const text = this.whole.text(value);
    this.#bytes += text.length + 2;
    return text;
  }

  input(value: unknown): Portable {
    return this.#within(value, streamBytes.event, false);
  }

  #within(value: unknown, most: number, isEvent: boolean): Portable {
    if (this.mode === 'whole') return isEvent ? this.whole.writeEvent(value as object) : this.whole.write(value);
    const written = this.whole.writeWithin(value, most, streamLimits, isEvent);
    this.#bytes += this.whole.bytes;
    return written;
  }
}

/** One actor's context, from line to line. */
export class ContextWriter {
  readonly #values: LineValues;
  readonly #track: ContextTrack | null;
  #source: unknown;
  #written: Portable | undefined;

  constructor(values: LineValues) {
    this.#values = values;
    this.#track = values.mode === 'patches' ? new ContextTrack(values.whole) : null;
  }

  /** As it was told last. */
  get written(): Portable | undefined {
    return this.#track === null || this.#source === undefined ? this.#written : this.#track.written;
  }

  /** How long that is. */
  get bytes(): number {
    return this.#track?.bytes ?? 0;
  }

  begin(source: unknown): Portable | undefined {
    this.#source = source;
    if (source === undefined) this.#written = undefined;
    else if (this.#track === null) this.#written = this.#values.whole.write(source);
    else {
      this.#written = this.#track.begin(source);
      this.#values.addBytes(this.#track.newBytes);
    }
    return this.#written;
  }

  /** What has become of it; undefined where nothing has. */
  next(source: unknown): ContextNews {
    if (source === this.#source) return undefined;
    if (this.#track === null || this.#source === undefined || source === undefined) {
      const context = this.begin(source);
      return context === undefined ? undefined : { context };
    }
    this.#source = source;
    const news = this.#track.next(source);
    this.#values.addBytes(this.#track.newBytes);
    return news;
  }
}
