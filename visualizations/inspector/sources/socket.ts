/**
 * The way to a living app: one socket, opened again when it is lost, each time after a longer pause.
 *
 * What is watched: the whole tree as a summary; everything in full while the app is small and quiet enough to be told whole; else in full only the branch
 * that is looked at.
 */
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import {
  type ControlRequest,
  type Detail,
  type Keyframe,
  type Result,
  ServerFrames,
  type ServerMessage,
  socketPath,
  subprotocolsOf,
  type ViewerMessage,
  type Welcome,
} from '../../../src/inspector/protocol.js';
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import type { ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import type { Entry } from '../state/entry.js';
import type { Connection } from '../state/state.js';
import { entriesOf } from './entries.js';
import { fullUpTo, type Plan } from './watch-plan.js';

export interface SocketListener {
  connection(connection: Connection): void;
  /** A new conversation: what was known before is of another. */
  welcome(welcome: Welcome): void;
  entries(entries: readonly Entry[]): void;
  /** Something for people. */
  notice(words: string): void;
}

/** Pauses before another attempt, ms. */
const pausesMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** What a close without a welcome may mean: the browser does not say that the token was refused. */
const attemptsBeforeRefusal = 3;

/** Most earlier lines that are asked for. */
const mostHistory = 60_000;
/** So long an answer with earlier lines may take, ms: one who asks often is made to wait. */
const historyWithinMs = 30_000;

/** A request for history; `skip` lines of the first number have come. */
interface HistoryPage {
  readonly from: number;
  readonly to: number;
  readonly skip?: number;
}

type Answer = (result: Result) => void;

export class LiveSource {
  readonly #address: string;
  readonly #token: string;
  readonly #listener: SocketListener;
  #socket: WebSocket | null = null;
  #frames = new ServerFrames();
  #keyframe: Keyframe[] = [];
  #nextId = 1;
  #answers = new Map<number, Answer>();
  /** Earlier lines that are on their way, by the request. */
  #history = new Map<number, RecordedLine[]>();
  #watched = new Map<string, Detail>();
  /** The actor that is looked at; in full, also where the whole is not. */
  #looked: string | null = null;
  #plan: ((actor: string) => Plan) | null = null;
  #isWhole = false;
  #known = 0;
  #attempt = 0;
  #lostSince: number | null = null;
  #hasBeenWelcome = false;
  #bye: string | null = null;
  #isOver = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** @param origin  of the server: `http://127.0.0.1:4747` */
  constructor(origin: string, token: string, listener: SocketListener) {
    this.#address = `${origin.replace(/^http/u, 'ws')}${socketPath}`;
    this.#token = token;
    this.#listener = listener;
  }

  start(): void {
    this.#listener.connection({ kind: 'connecting', attempt: this.#attempt + 1 });
    this.#open();
  }

  /** Ends it: no further attempt. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#socket?.close(1000, '');
  }

  /** Tries at once instead of at the end of the pause. */
  retryNow(): void {
    if (this.#socket === null && !this.#isOver) this.#open();
  }

  /** Watches another actor in full, as a {@link Plan} says. */
  lookAt(actor: string | null, plan: (actor: string) => Plan): void {
    if (actor === this.#looked && this.#plan !== null) return;
    this.#looked = actor;
    this.#plan = plan;
    this.#replan();
  }

  #replan(): void {
    if (this.#isWhole || this.#known === 0 || this.#socket?.readyState !== WebSocket.OPEN) return;
    const { full, brief } = this.#looked === null || this.#plan === null ? { full: null, brief: [] } : this.#plan(this.#looked);
    const wanted = new Map<string, Detail>([
      ...brief.map((branch) => [branch, 'summary'] as const),
      ...(full === null ? [] : [[full, 'full'] as const]),
    ]);
    for (const branch of this.#watched.keys()) if (branch !== '' && !wanted.has(branch)) this.#unwatch(branch);
    // What is told in brief goes first, so that not all of it is told in full for a moment.
    for (const [branch, detail] of wanted) if (this.#watched.get(branch) !== detail) this.#watch(branch, detail);
  }

  value(actor: string): Promise<Portable> {
    return this.#ask((id) => ({ type: 'value', id, actor })).then(({ value = null }) => value);
  }

  /** What happened before a line, as far back as the app knows it; where it is too much, how many lines are left out is its last. */
  async history(to: number): Promise<readonly RecordedLine[]> {
    const lines: RecordedLine[] = [];
    let [from, skip]: [number | null, number] = [0, 0];
    while (from !== null && lines.length < mostHistory) {
      const asked: HistoryPage = { from, to, ...(skip === 0 ? {} : { skip }) };
      const answer: { readonly next?: number | null | undefined; readonly skip?: number | undefined } = await this.#ask((id) => {
        this.#history.set(id, lines);
        return { type: 'history', id, ...asked };
      }, historyWithinMs);
      [from, skip] = [answer.next ?? null, answer.skip ?? 0];
    }
    const last = lines.at(-1);
    if (from === null || last === undefined) return lines;
    const why = `of what was before, the page asks for ${mostHistory.toLocaleString('en')} lines`;
    return [...lines, { type: '@espalier.dropped', seq: to, at: last.at, count: to - from + 1, why }];
  }

  control(
    request: Omit<Extract<ControlRequest, { action: 'send' }>, 'type' | 'id'> | Omit<Exclude<ControlRequest, { action: 'send' }>, 'type' | 'id'>,
  ): Promise<void> {
    return this.#ask((id) => ({ type: 'control', id, ...request })).then(() => undefined);
  }

  /** What comes of an actor's events up to a line, or of one more there. */
  replay(actor: string, to: number, event?: { readonly type: string }): Promise<ReplayOutcome> {
    return this.#ask((id) => ({ type: 'replay', id, actor, to, ...(event === undefined ? {} : { event }) })).then(({ replay }) => {
      if (replay === undefined) throw new Error('The server did not say what came of it.');
      return replay;
    });
  }

  #open(): void {
    if (this.#isOver) return;
    clearTimeout(this.#retry);
    this.#frames = new ServerFrames();
    this.#hasBeenWelcome = false;
    this.#bye = null;
    // What was watched, and how much there is, belongs to the conversation before.
    this.#keyframe = [];
    this.#watched = new Map();
    this.#isWhole = false;
    this.#known = 0;
    const socket = new WebSocket(this.#address, subprotocolsOf(this.#token));
    this.#socket = socket;
    socket.addEventListener('message', ({ data }: { readonly data: unknown }) => this.#read(data));
    socket.addEventListener('close', ({ reason }) => this.#lost(reason));
  }

  #read(data: unknown): void {
    const read = typeof data === 'string' ? this.#frames.read(data) : { ok: false as const, problem: 'text' };
    if (read === null) return;
    if (read.ok) this.#take(read.message);
    else this.#listener.notice(`The server said what this page does not understand: ${read.problem}`);
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#welcome(message);
        return;
      case 'keyframe':
        this.#keyframePart(message);
        return;
      case 'lines':
        if (message.history === undefined) this.#listener.entries(message.lines);
        else for (const line of message.lines) this.#history.get(message.history)?.push(line);
        return;
      case 'summary':
        this.#listener.entries([{ type: 'summary', at: message.at, actors: message.actors }]);
        return;
      case 'dropped':
        this.#listener.entries([{ type: '@espalier.dropped', seq: message.seq, at: message.at, count: message.count, why: message.why }]);
        this.#narrow();
        return;
      case 'result':
        this.#result(message);
        return;
      case 'bye':
        this.#bye = message.why;
    }
  }

  #welcome(welcome: Welcome): void {
    this.#hasBeenWelcome = true;
    this.#attempt = 0;
    this.#lostSince = null;
    this.#listener.welcome(welcome);
    this.#listener.connection({
      kind: 'live',
      control: welcome.control,
      replay: welcome.replay,
      app: welcome.app.title || welcome.app.root || 'an app',
    });
    this.#watch('', 'summary');
  }

  #keyframePart(part: Keyframe): void {
    if (part.part === 0) this.#keyframe = [];
    this.#keyframe.push(part);
    if (!part.last) return;
    const lines = this.#keyframe.flatMap((one) => one.lines);
    this.#keyframe = [];
    const known = new Set(lines.flatMap((line) => (line.type === '@xstate.actor' ? [line.actor] : [])));
    const hasOwn = lines[0]?.type === '@espalier.keyframe';
    this.#listener.entries(hasOwn ? entriesOf(lines) : [...lines, { type: 'branch', at: part.at, branch: part.branch, known }]);
    if (part.branch !== '' || part.detail !== 'summary' || this.#watched.get('') === 'full') return;
    this.#known = known.size;
    if (this.#known <= fullUpTo) this.#widen();
    else this.#replan();
  }

  /** Everything in full. */
  #widen(): void {
    this.#isWhole = true;
    this.#watch('', 'full');
  }

  /** Too much to be told whole: from now on only what is looked at. */
  #narrow(): void {
    if (!this.#isWhole) return;
    this.#isWhole = false;
    this.#watch('', 'summary');
    this.#replan();
    this.#listener.notice('The app is busier than this page can follow: from now on only the chosen branch is told in full.');
  }

  #watch(branch: string, detail: Detail): void {
    this.#watched.set(branch, detail);
    this.#ask((id) => ({ type: 'watch', id, branch, detail })).catch((error: unknown) => {
      // That the connection is gone is said where that is said.
      if (this.#socket !== null) this.#listener.notice(error instanceof Error ? error.message : String(error));
    });
  }

  #unwatch(branch: string): void {
    if (!this.#watched.delete(branch)) return;
    this.#ask((id) => ({ type: 'unwatch', id, branch })).catch(() => undefined);
  }

  /** @param withinMs  it is given up after so long; without it the answer, or the end of the connection, is waited for */
  #ask(make: (id: number) => ViewerMessage, withinMs?: number): Promise<Extract<Result, { ok: true }>> {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error('There is no connection.'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const unanswered = (): void =>
        this.#result({ type: 'result', id, ok: false, error: { code: 'unavailable', words: 'the app does not answer' } });
      const late = withinMs === undefined ? undefined : setTimeout(unanswered, withinMs);
      this.#answers.set(id, (result) => {
        clearTimeout(late);
        if (result.ok) resolve(result);
        else reject(new Error(result.error.words));
      });
      socket.send(JSON.stringify(make(id)));
    });
  }

  #result(result: Result): void {
    if (result.id === null) {
      if (!result.ok) this.#listener.notice(result.error.words);
      return;
    }
    this.#answers.get(result.id)?.(result);
    this.#answers.delete(result.id);
    this.#history.delete(result.id);
  }

  #lost(reason: string): void {
    this.#socket = null;
    const why = this.#bye ?? (reason === '' ? 'the connection was lost' : reason);
    for (const answer of this.#answers.values()) answer({ type: 'result', id: 0, ok: false, error: { code: 'unavailable', words: why } });
    this.#answers.clear();
    this.#history.clear();
    if (this.#isOver) return;
    this.#attempt++;
    if (!this.#hasBeenWelcome && this.#lostSince === null && this.#attempt >= attemptsBeforeRefusal) {
      this.#isOver = true;
      this.#listener.connection({
        kind: 'refused',
        why: 'It is not running any more, or the address is of an earlier run: each run has a token of its own.',
      });
      return;
    }
    if (this.#hasBeenWelcome) this.#lostSince ??= Date.now();
    const pauseMs = pausesMs[Math.min(this.#attempt, pausesMs.length) - 1] ?? 500;
    const retryAt = Date.now() + pauseMs;
    this.#listener.connection(
      this.#lostSince === null
        ? { kind: 'connecting', attempt: this.#attempt + 1 }
        : { kind: 'lost', since: this.#lostSince, retryAt, attempt: this.#attempt, why },
    );
    this.#retry = setTimeout(() => this.#open(), pauseMs);
  }
}
