/**
 * The server of a recording, without a network and on a virtual clock, that goes wrong at some of its frames.
 *
 * It speaks as the recording does: before each of its frames it waits for what the recorded client had said by then, though not for ever, since a fault
 * may have made that impossible. After a lost socket it goes on where it was, as a server that resumes does.
 */
import type { VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { ClientSocket, OpenSocket, SocketListener } from '../../../src/index.js';
import { type ClientMessage, parseClientMessage, parseServerMessage } from '../../../src/wire/gemini/live.js';
import { callsIn } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** What goes wrong. */
export const faultKinds = ['drop', 'duplicate', 'delay', 'split', 'garbage', 'goAway', 'cancel', 'recall', 'repeat', 'stall'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault, and the frame of the recording before which it strikes; before one of the client, while the server waits for it. */
export interface Fault {
  readonly kind: FaultKind;
  readonly frame: number;
  /** 0 to 1, for whatever is by chance: how late, where it is cut. */
  readonly chance: number;
}

/** How long the server waits for what the client should say, virtual ms. */
const patienceMs = 30_000;
/** Between two faults while the server waits for the client, virtual ms: the app is at work meanwhile. */
const betweenFaultsMs = 700;

/** A call that has an id. */
interface MadeCall {
  readonly id: string;
  readonly name: string;
}

interface Line {
  readonly listener: SocketListener;
  isOpen: boolean;
  isSetUp: boolean;
  /** Has it been told `setupComplete`? */
  isAccepted: boolean;
  /** How many answers to each call the client may send: one for each time that the call came, and one where the resumed conversation knows it. */
  readonly due: Map<string, number>;
}

export class FaultyPeer {
  /** What the client did that no client may. */
  readonly violations: string[] = [];
  /** Ids of calls whose answers the conversation has. */
  answered = new Set<string>();
  /** What the conversation had when each handle was given: who resumes with it goes on from there. */
  readonly #answeredAt = new Map<string, ReadonlySet<string>>();
  /** Does the socket die of the next message, which is lost with it? */
  #diesOfNext = false;
  /** Until when no further fault strikes, ms. */
  #calmUntil = 0;
  /** Until when the client's bytes stay with its runtime, ms. */
  #stalledUntil = 0;
  /** Sockets that have not ended. */
  openSockets = 0;
  readonly #clock: VirtualClock;
  readonly #script: Session;
  readonly #faults: Fault[];
  readonly #givesHandles: boolean;
  readonly #heard = new Map<string, number>();
  readonly #calls = new Set<string>();
  readonly #cancelled = new Set<string>();
  readonly #everCalled = new Set<string>();
  readonly #ends = new Map<Line, (code: number, reason: string, told: boolean) => void>();
  readonly #timers = new Set<unknown>();
  #line: Line | null = null;
  #position = 0;
  #isWaiting = false;
  #wait: unknown;

  /** @param givesHandles  can the conversation be resumed? */
  constructor(clock: VirtualClock, script: Session, faults: readonly Fault[], givesHandles: boolean) {
    this.#clock = clock;
    this.#script = script;
    this.#faults = faults.toSorted((one, other) => one.frame - other.frame);
    this.#givesHandles = givesHandles;
    // A connection of a longer session: its handle was given by the one before.
    const given = script.said[0]?.message.setup?.sessionResumption?.handle;
    if (given !== undefined) this.#answeredAt.set(given, new Set());
  }

  /** Has everything been sent? */
  get isDone(): boolean {
    return this.#position >= this.#script.recording.frames.length;
  }

  readonly open: OpenSocket = (_address, listener) => {
    const line: Line = { listener, isOpen: false, isSetUp: false, isAccepted: false, due: new Map() };
    this.openSockets += 1;
    this.#later(1, () => {
      if (this.#line?.isOpen === true) this.violations.push('a second socket was opened while the first was open');
      this.#line = line;
      line.isOpen = true;
      listener.opened();
    });
    let isGone = false;
    const end = (code: number, reason: string, told: boolean): void => {
      if (isGone) return;
      isGone = true;
      this.openSockets -= 1;
      line.isOpen = false;
      if (this.#line === line) this.#line = null;
      if (told) listener.closed(code, reason);
    };
    this.#ends.set(line, end);
    let isClosing = false;
    const socket: ClientSocket = {
      send: (text, written) => {
        const isTaken = line.isOpen && !isClosing;
        if (isTaken) this.#judge(text, line);
        // On its way while the runtime confirms it, and lost if the socket is.
        this.#later(1, () => {
          if (!isTaken || isGone) return;
          if (this.#diesOfNext && line.isSetUp) {
            this.#diesOfNext = false;
            end(1006, '', true);
          } else this.#hear(text, line);
        });
        if (isTaken) this.#later(1, () => written(!isGone));
        else written(false);
      },
      bufferedAmount: () => (this.#clock.now() < this.#stalledUntil ? 100_000_000 : 0),
      pause: () => true,
      resume: () => undefined,
      close: (code, reason) => {
        isClosing = true;
        this.#later(2, () => end(code, reason, true));
      },
      terminate: () => end(1006, '', false),
    };
    return socket;
  };

  /** No timer of the server is left behind. */
  stop(): void {
    for (const timer of this.#timers) this.#clock.clearTimeout(timer);
    this.#timers.clear();
  }

  #later(ms: number, act: () => void): unknown {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #hear(text: string, line: Line): void {
    const read = parseClientMessage(text);
    if (!read.ok) {
      this.violations.push(`the client sent what is no message: ${text.slice(0, 80)}`);
      return;
    }
    const [kind = 'unknown'] = read.kinds;
    this.#heard.set(kind, (this.#heard.get(kind) ?? 0) + 1);
    this.#account(read.message);
    if (kind === 'setup') {
      line.isSetUp = true;
      this.#resume(line, read.message.setup?.sessionResumption?.handle);
      // The recording's own setupComplete answers the first setup only.
      if (this.#position > 1) this.#later(1, () => this.#deliver(line, '{"setupComplete":{}}'));
      if (this.#givesHandles) this.#later(2, () => this.#giveHandle(line));
    }
    this.#later(3, () => this.#goOn());
  }

  /** What is sent after a cancellation has come must not answer it; what is on its way may cross it. */
  #judge(text: string, line: Line): void {
    const read = parseClientMessage(text);
    if (!read.ok) return;
    const [kind = 'unknown'] = read.kinds;
    if (kind !== 'setup' && !line.isAccepted) this.violations.push(`${kind} came before the setup was accepted`);
    for (const { id, willContinue } of read.message.toolResponse?.functionResponses ?? []) {
      if (id === undefined || !this.#everCalled.has(id)) continue;
      if (this.#cancelled.has(id)) this.violations.push(`${id} was answered after it was cancelled`);
      else if (willContinue !== true) this.#judgeCount(id, line);
    }
  }

  #judgeCount(id: string, { due }: Line): void {
    const left = due.get(id);
    if (left === undefined) this.violations.push(`${id} was answered, and this conversation never called it`);
    else if (left === 0) this.violations.push(`${id} was answered once more than it was called`);
    else due.set(id, left - 1);
  }

  #account({ toolResponse }: ClientMessage): void {
    for (const { id, willContinue } of toolResponse?.functionResponses ?? []) {
      if (id === undefined || willContinue === true) continue;
      this.#calls.delete(id);
      this.answered.add(id);
    }
    // Not at once: what is lost meanwhile, the conversation has not had.
    if (this.#givesHandles && toolResponse !== undefined) this.#later(400, () => this.#line !== null && this.#giveHandle(this.#line));
  }

  /** As the real server: none that could be resumed while a call is open. */
  #giveHandle(line: Line): void {
    if (this.#calls.size > 0) {
      this.#send(line, '{"sessionResumptionUpdate":{"resumable":false}}');
      return;
    }
    const newHandle = `handle-${this.#answeredAt.size}`;
    this.#answeredAt.set(newHandle, new Set(this.answered));
    this.#send(line, JSON.stringify({ sessionResumptionUpdate: { newHandle, resumable: true } }));
  }

  #resume(line: Line, handle: string | undefined): void {
    if (handle === undefined) return;
    for (const id of this.#everCalled) line.due.set(id, 1);
    const had = this.#answeredAt.get(handle);
    if (had === undefined) this.violations.push(`the client resumes with a handle that was never given: ${handle}`);
    else {
      this.answered = new Set(had);
      for (const id of this.#everCalled) if (!had.has(id) && !this.#cancelled.has(id)) this.#calls.add(id);
    }
  }

  #send(line: Line, text: string | readonly Uint8Array[]): void {
    if (line.isOpen) line.listener.frame(text);
  }

  /** The next frame, once the client has said what came before it. */
  #goOn(): void {
    if (this.#isWaiting || this.isDone) return;
    const line = this.#line;
    if (line === null || !line.isSetUp) return;
    const frame = this.#script.recording.frames[this.#position];
    if (frame === undefined) return;
    if (frame.from === 'client') {
      if (!this.#hasHeard(frame.text)) {
        if (this.#strikes(line)) return;
        // The next fault at this frame comes while the app is still at work.
        if (this.#faults[0] !== undefined && this.#faults[0].frame <= this.#position) this.#later(betweenFaultsMs, () => this.#goOn());
        return this.#await();
      }
      this.#clock.clearTimeout(this.#wait);
      this.#position += 1;
      return this.#goOn();
    }
    if (this.#strikes(line)) return;
    this.#position += 1;
    this.#deliver(line, frame.text);
    this.#later(1, () => this.#goOn());
  }

  #hasHeard(text: string): boolean {
    const read = parseClientMessage(text);
    const [kind = 'unknown'] = read.ok ? read.kinds : [];
    const due = this.#script.recording.frames.slice(0, this.#position + 1).filter((frame) => {
      const one = frame.from === 'client' ? parseClientMessage(frame.text) : null;
      return one?.ok === true && (one.kinds[0] ?? 'unknown') === kind;
    }).length;
    return (this.#heard.get(kind) ?? 0) >= due;
  }

  /** What can't come any more is not waited for: at the end of its patience the server goes on. */
  #await(): void {
    const position = this.#position;
    this.#clock.clearTimeout(this.#wait);
    this.#wait = this.#later(patienceMs, () => {
      if (this.#position === position) this.#position += 1;
      this.#goOn();
    });
  }

  #deliver(line: Line, text: string, frame: string | readonly Uint8Array[] = text): void {
    const read = parseServerMessage(text);
    const handle = read.ok ? read.message.sessionResumptionUpdate?.newHandle : undefined;
    if (handle !== undefined) this.#answeredAt.set(handle, new Set(this.answered));
    for (const { id } of read.ok ? callsIn(read.message) : []) {
      if (id === undefined) continue;
      this.#calls.add(id);
      this.#everCalled.add(id);
      // Made again, it is another call.
      if (this.#cancelled.delete(id)) this.answered.delete(id);
      if (line.isOpen) line.due.set(id, (line.due.get(id) ?? 0) + 1);
    }
    if (read.ok && read.message.setupComplete !== undefined) line.isAccepted = true;
    this.#send(line, frame);
  }

  /** The next fault, once, before its frame. @returns whether the server does not go on now */
  #strikes(line: Line): boolean {
    const [fault] = this.#faults;
    if (fault === undefined || fault.frame > this.#position || this.#clock.now() < this.#calmUntil) return false;
    this.#faults.shift();
    const { chance, kind } = fault;
    const { from, text } = this.#script.recording.frames[this.#position] ?? { from: 'server', text: '{}' };
    if (from === 'client') this.#calmUntil = this.#clock.now() + betweenFaultsMs;
    // A frame that the client has not sent can neither come twice nor in pieces.
    if (from === 'client' && (kind === 'duplicate' || kind === 'split')) return false;
    switch (kind) {
      case 'drop':
        if (from === 'client' && chance < 0.5) {
          this.#diesOfNext = true;
          return false;
        }
        this.#ends.get(line)?.(1006, '', true);
        return true;
      case 'stall':
        this.#stalledUntil = this.#clock.now() + Math.ceil(chance * 5_000);
        return false;
      case 'duplicate':
        this.#deliver(line, text);
        return false;
      case 'delay':
        this.#isWaiting = true;
        this.#later(Math.ceil(chance * 9_000), () => {
          this.#isWaiting = false;
          this.#goOn();
        });
        return true;
      case 'split': {
        const bytes = Buffer.from(text);
        const cut = Math.floor(chance * bytes.length);
        this.#position += 1;
        this.#deliver(line, text, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        this.#later(1, () => this.#goOn());
        return true;
      }
      case 'garbage':
        this.#send(line, chance < 0.5 ? '{"serverContent": {' : '\u0000 not json');
        return false;
      case 'goAway':
        this.#send(line, '{"goAway":{"timeLeft":"8s"}}');
        this.#later(8_000, () => this.#ends.get(line)?.(1011, 'Deadline expired before operation could complete.', true));
        return false;
      case 'cancel':
        return this.#cancel(line);
      case 'recall': {
        const ids = new Set(this.#calls);
        this.#cancel(line);
        for (const call of this.#made) if (ids.delete(call.id)) this.#call(line, call);
        return false;
      }
      case 'repeat': {
        const [latest] = this.#made;
        if (latest !== undefined) this.#call(line, latest);
        return false;
      }
    }
  }

  #call(line: Line, call: MadeCall): void {
    this.#deliver(line, JSON.stringify({ toolCall: { functionCalls: [call] } }));
  }

  /** The calls of the recording up to here, the latest first. */
  get #made(): readonly MadeCall[] {
    const past = this.#script.recording.frames.slice(0, this.#position).filter(({ from }) => from === 'server');
    return past
      .flatMap(({ text }) => {
        const read = parseServerMessage(text);
        return read.ok ? callsIn(read.message).flatMap(({ id, ...rest }) => (id === undefined ? [] : [{ id, ...rest }])) : [];
      })
      .toReversed();
  }

  /** Whatever is open is taken back. */
  #cancel(line: Line): boolean {
    const ids = [...this.#calls];
    for (const id of ids) this.#cancelled.add(id);
    this.#calls.clear();
    this.#send(line, JSON.stringify({ toolCallCancellation: { ids } }));
    return false;
  }
}
