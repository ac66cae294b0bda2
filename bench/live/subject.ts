/** What a client of Gemini Live must offer to be measured: it connects, counts what comes, answers calls. */

/** Told by a client. */
export interface Heard {
  /** A message with audio, once read: how many characters of base64. */
  audio(length: number): void;
  /** A text of the model. */
  text(text: string): void;
  /** A model's turn has ended. */
  turnComplete(): void;
}

/** A connected client. */
export interface LiveRig {
  /** Asks the server for something, in a turn of the user. */
  ask(text: string): void;
  /** Sends one chunk of audio, base64. */
  sendAudio(data: string): void;
  close(): Promise<void>;
}

export interface LiveSubject {
  readonly name: string;
  /** @param answer  what the tool `echo` answers; a promise for a slow one */
  open(url: string, heard: Heard, answer: () => unknown): Promise<LiveRig>;
}

export const model = 'gemini-2.5-flash-live';
