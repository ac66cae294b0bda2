/** What a reader of streams must do to be measured: read one answer to its end, and count what is in it. */

/** What was read. */
export interface Read {
  readonly events: number;
  /** Characters of text, or of data where nothing is parsed: a reader that skips something is found out. */
  readonly characters: number;
}

/** One reader. */
export interface StreamSubject {
  readonly name: string;
  /** `events`: the data as it is, nothing parsed; `answer`: the chunks of a generation, their text. */
  readonly reads: 'events' | 'answer';
  /** @param base  of a server that answers every request by the size in its model's name, as server.ts has it */
  read(base: string, model: string): Promise<Read>;
}

/** The address of a model's stream, as all of them ask for it. */
export function addressOf(base: string, model: string): string {
  return `${base}/v1beta/models/${model}:streamGenerateContent?alt=sse`;
}

/** A request's body; the server does not look at it. */
export const request = { contents: [{ role: 'user', parts: [{ text: 'go' }] }] };
