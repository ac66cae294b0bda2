/** What the events benchmark asks of each subject: to store events of 300 bytes in fifty streams, and to read them back. */

export interface Rig {
  /** Stores events one after the other, each before the next. */
  oneByOne(count: number): Promise<void>;
  /** Stores events that come all at once; settles when each is there. */
  atOnce(count: number): Promise<void>;
  /** Reads one stream to its end, in pages of a hundred. @returns how many events it had */
  readStream(stream: string): Promise<number>;
  close(): Promise<void> | void;
}

export interface Subject {
  readonly name: string;
  open(path: string): Promise<Rig>;
}

/** The data of an event: with what stands beside it, some 300 bytes of JSON. */
export const data = { text: 'x'.repeat(220), amount: 12.5, tags: ['a', 'b'] };

export const streamOf = (n: number): string => `stream-${n % 50}`;
