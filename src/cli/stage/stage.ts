/** What a play acts on: the running tree, the facts as they happen, and those who watch. */
import { liveSessionHandle, type LiveSession } from '../../live/handle.js';
import type { LiveSessionRef } from '../../live/session.js';
import { systemClock, type Clock } from '../../supervision/clock.js';
import type { App } from '../../supervision/orchestrator.js';
import type { ServerMessage } from '../../wire/gemini/live.js';
import { disasterOf, type Fact, type Told } from './facts.js';
import { Transcript } from './transcript.js';
import type { TreeNode } from './tree-node.js';
import { TreeWatch } from './tree-watch.js';

/** Told once for each turn of the event loop in which something happened. */
export type Audience = (facts: readonly Fact[], tree: TreeNode) => void;

/** What is no news to a reader: answers to calls, and what other facts say as well. */
const silent = new Set(['call.replied', 'agent.answered', 'supervisor.report', 'supervisor.ready', 'session.sent']);

export class Stage {
  readonly clock: Clock;
  readonly watch: TreeWatch;
  readonly #audience: Audience;
  readonly #startedAt: number;
  readonly #transcript = new Transcript();
  /** What tools came to, by the id of their call. */
  readonly #openCalls = new Set<string>();
  readonly #waits = new Set<(fact: Fact) => void>();
  #frameCount = 0;
  /** Why the conversation cannot go on. */
  #disaster: string | null = null;
  #facts: Fact[] = [];
  #turn: NodeJS.Immediate | undefined;
  #app: App | undefined;
  #voice: LiveSession | undefined;

  constructor(audience: Audience, clock: Clock = systemClock) {
    this.clock = clock;
    this.#audience = audience;
    this.#startedAt = clock.now();
    this.watch = new TreeWatch(clock, {
      told: (from, told) => this.#hear(from, told),
      changed: () => {
        this.#turn ??= setImmediate(() => this.flush());
      },
    });
  }

  /** @throws Error before {@link Stage.open} */
  get app(): App {
    if (this.#app === undefined) throw new Error('the tree has not been started');
    return this.#app;
  }

  /** The tree; undefined before {@link Stage.open}. */
  get opened(): App | undefined {
    return this.#app;
  }

  /** The tree is there. */
  open(app: App): void {
    this.#app = app;
  }

  /** The child `voice` as it runs now. @throws Error while it does not */
  get voice(): LiveSession {
    const ref = this.app.child('voice') as unknown as LiveSessionRef | undefined;
    if (ref === undefined) throw new Error('the session does not run');
    if (this.#voice?.ref !== ref) this.#voice = liveSessionHandle(ref);
    return this.#voice;
  }

  /** Nobody wants the session any more, and its supervisor would wait for it to connect. */
  abandonStart(): void {
    if (this.app.child('voice') !== undefined) void this.voice.close();
  }

  /** Adds a fact of the play's own. */
  tell(told: Told, from = 'app'): void {
    const fact: Fact = { ...told, from, atMs: Math.max(0, Math.round(this.clock.now() - this.#startedAt)) };
    this.#facts.push(fact);
    this.#note(fact);
    this.#turn ??= setImmediate(() => this.flush());
    for (const look of [...this.#waits]) look(fact);
  }

  /** Frames of the server so far, read or unreadable. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /** Calls that the model made and that have not ended. */
  get openCalls(): ReadonlySet<string> {
    return this.#openCalls;
  }

  /**
   * Waits until `look` finds something; it is asked now (with null), and for every fact from now on.
   * @returns rejects when the conversation has become impossible, or the signal aborts
   */
  until<Found>(signal: AbortSignal, look: (fact: Fact | null) => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waits.delete(ask);
        signal.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const ask = (fact: Fact | null): void => {
        const found = look(fact);
        if (found === undefined && this.#disaster === null) return;
        leave();
        if (found === undefined) reject(new Error(this.#disaster ?? ''));
        else resolve(found);
      };
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      this.#waits.add(ask);
      ask(null);
    });
  }

  /** Waits for the first fact from now on that has this type and these fields; as {@link Stage.until}. */
  next(signal: AbortSignal, type: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Fact> {
    return this.until(signal, (fact) => {
      const matches = fact?.type === type && Object.entries(fields).every(([name, value]) => fact[name] === value);
      return matches ? fact : undefined;
    });
  }

  /** The conversation is over: what was said without an end is told. */
  endTalk(): void {
    for (const said of this.#transcript.flush()) this.tell(said);
  }

  /** Shows at once what has happened. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const tree = this.watch.read();
    if (tree === null) return;
    const facts = this.#facts;
    this.#facts = [];
    this.#audience(facts, tree);
  }

  #note(fact: Fact): void {
    this.#disaster ??= disasterOf(fact);
    const id = String(fact['id']);
    if (fact.type === 'frame') this.#frameCount += 1;
    else if (fact.type === 'tool.called') this.#openCalls.add(id);
    else if (/^tool\.(?:answered|cancelled|abandoned)$/.test(fact.type)) this.#openCalls.delete(id);
  }

  #hear(from: string, told: Told): void {
    if (silent.has(told.type)) return;
    switch (told.type) {
      case 'session.message':
        for (const said of this.#transcript.read(told['message'] as ServerMessage)) this.tell(said, from);
        this.tell({ type: 'frame' }, from);
        return;
      case 'session.malformed':
        this.tell(told, from);
        // One with an odd shape can be read in part, and is followed by its message.
        if (told['reason'] !== 'invalid-shape') this.tell({ type: 'frame' }, from);
        return;
      case 'session.closed':
      case 'session.failed':
        for (const said of this.#transcript.flush()) this.tell(said, from);
        this.tell(told, from);
        return;
      default:
        this.tell(told, from);
    }
  }
}
