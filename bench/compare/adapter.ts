/** What a Live client must offer to be compared: each is wrapped once, and does no more than its own documentation says. */
import type { Figures, FactKind } from './facts.js';

/** Says what the app has seen or done, now. */
export type Tell = (kind: FactKind, detail?: string, figures?: Figures) => void;

/** The app's one function that the model may call. */
export interface AppTool {
  readonly name: string;
  readonly description: string;
  /**
   * Runs it, and rejects where the case has it throw. It tells by itself that it began and how it ended.
   * @param signal  what the client gives the function to notice a cancellation by; undefined where it gives none
   */
  run(id: string, signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
}

export interface OpenOptions {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly model: string;
  readonly tool: AppTool;
  /** How long the app is willing to wait for the setup, ms; the client's own where absent. */
  readonly setupMs?: number;
}

/** What a client says to a message: in its own words; undefined where it says nothing. What it throws is said, too. */
export type SendAnswer = string | undefined;

/** An open conversation. */
export interface Conversation {
  /** False where the client does not tell when it is connected. */
  readonly isOpen?: boolean;
  sendText(text: string): SendAnswer;
  /** One chunk of audio, base64. */
  sendAudio(data: string): SendAnswer;
  /** Ends it, for whoever runs an app in a process that goes on. */
  close(): unknown;
}

export interface Adapter {
  /**
   * Connects.
   * @returns rejects where the client does, and settles when it does; at once where it does not tell
   */
  open(options: OpenOptions, tell: Tell): Promise<Conversation>;
}
