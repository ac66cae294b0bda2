/** The app of a case: the same for every subject, it runs in the subject's process and tells what it sees. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter, AppTool, Conversation, SendAnswer, Tell } from './adapter.js';
import type { FactKind } from './facts.js';

/** What the app's function does. */
export interface ToolPlan {
  readonly takesMs: number;
  /** Throws in the end, in place of an answer. */
  readonly throws?: boolean;
}

/** What an app is made of. */
export interface AppOptions {
  readonly adapter: Adapter;
  readonly url: string;
  readonly model: string;
  readonly tool: ToolPlan;
  readonly setupMs?: number;
  readonly tell: Tell;
}

/** 10 ms of PCM16 at 16 kHz: a case needs no more than that something comes. */
const chunk = Buffer.alloc(320, 7).toString('base64');

interface Seen {
  readonly kind: FactKind;
  readonly detail: string;
}

export class App {
  readonly #options: AppOptions;
  readonly #seen: Seen[] = [];
  /** Those who wait for a fact; each takes itself off. */
  readonly #waiting = new Set<() => void>();
  #conversation: Conversation | undefined;

  constructor(options: AppOptions) {
    this.#options = options;
  }

  /** Connects, and tells `opened` or `refused`. @returns whether it is connected; never, where the client never says */
  async open(): Promise<boolean> {
    const { adapter, url, model, setupMs } = this.#options;
    try {
      this.#conversation = await adapter.open({ url, model, tool: this.#tool(), ...(setupMs === undefined ? {} : { setupMs }) }, this.tell);
      if (this.#conversation.isOpen !== false) this.tell('opened');
      return true;
    } catch (error) {
      this.tell('refused', wordsOf(error));
      return false;
    }
  }

  /** Connects and says something: what most cases begin with. */
  async speak(): Promise<void> {
    if (await this.open()) this.sendAudio(chunk);
  }

  /** Waits for a fact of one of these kinds, at most so long. @returns whether it came */
  until(kinds: readonly FactKind[], deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (came: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(came);
      };
      const look = (): void => {
        if (this.#seen.some(({ kind }) => kinds.includes(kind))) settle(true);
      };
      const timer = setTimeout(() => settle(false), deadlineMs);
      this.#waiting.add(look);
      look();
    });
  }

  /** Details of the facts of this kind so far. */
  seen(kind: FactKind): readonly string[] {
    return this.#seen.filter((fact) => fact.kind === kind).map(({ detail }) => detail);
  }

  /** Sends a text. @returns what the client said to it: `threw …` where it threw */
  sendText(text: string): SendAnswer {
    return said(() => this.#conversation?.sendText(text));
  }

  sendAudio(data: string): SendAnswer {
    return said(() => this.#conversation?.sendAudio(data));
  }

  /** Ends the conversation, where there is one. */
  async close(): Promise<void> {
    await this.#conversation?.close();
  }

  readonly tell: Tell = (kind, detail = '', figures) => {
    this.#seen.push({ kind, detail });
    this.#options.tell(kind, detail, figures);
    for (const look of this.#waiting) look();
  };

  #tool(): AppTool {
    const { takesMs, throws = false } = this.#options.tool;
    const run: AppTool['run'] = async (id, signal) => {
      this.tell('toolRuns', id);
      signal?.addEventListener('abort', () => this.tell('toolAborted', id));
      if (takesMs > 0) await sleep(takesMs, undefined, signal === undefined ? {} : { signal });
      if (throws) {
        this.tell('toolThrows', id);
        throw new Error('no weather today');
      }
      this.tell('toolEnds', id);
      return { weather: 'sun' };
    };
    return { name: 'weather', description: 'Says what the weather is like.', run };
  }
}

function said(send: () => SendAnswer): SendAnswer {
  try {
    return send();
  } catch (error) {
    return `threw ${wordsOf(error)}`;
  }
}

/** An error in words, with its code where it has one. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: string | number };
  return code === undefined ? error.message : `${code} ${error.message}`;
}
