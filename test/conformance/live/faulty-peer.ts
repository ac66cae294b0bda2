/**
 * The server of a recording, without a network and on a virtual clock, that goes wrong at some of its frames.
 *
 * It speaks as the recording does: before each of its frames it waits for what the recorded client had said by then, as far as a client can still say that
 * (client-frames.ts). After a lost socket it goes on where it was, as a server that resumes does.
 */
import type { VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { ClientSocket, OpenSocket, SocketListener } from '../../../src/index.js';
import { parseClientMessage, parseServerMessage } from '../../../src/wire/gemini/live.js';
import { ClientFrames } from './client-frames.js';
import { type AnswersDue, PeerCalls } from './peer-calls.js';
import { callsIn } from './recorded-calls.js';
import type { Session } from './recordings.js';

/**
 * What goes wrong.
 *
 * | fault     | the server, or its socket                                                                                     |
 * |-----------|---------------------------------------------------------------------------------------------------------------|
 * | drop      | dies; at a frame of the client perhaps of the client's next message, which is lost with it                    |
 * | duplicate | sends its frame twice                                                                                         |
 * | delay     | sends nothing for a while                                                                                     |
 * | split     | sends its frame in two pieces                                                                                 |
 * | garbage   | sends what is no message                                                                                      |
 * | goAway    | announces the end of the socket, and ends it                                                                  |
 * | cancel    | takes back every open call                                                                                    |
 * | recall    | takes them back, and makes them again                                                                         |
 * | repeat    | makes the latest call of the recording again                                                                  |
 * | stall     | reads nothing for a while                                                                                     |
 * | refuse    | takes nothing more from the client, as a socket that is closing, and ends a while later                       |
 */
export const faultKinds = ['drop', 'duplicate', 'delay', 'split', 'garbage', 'goAway', 'cancel', 'recall', 'repeat', 'stall', 'refuse'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault, and the frame of the recording before which it strikes; before one of the client, while the server waits for it. */
export interface Fault {
  readonly kind: FaultKind;
  readonly frame: number;
  /** 0 to 1, for whatever is by chance: how late, where it is cut. */
  readonly chance: number;
}

/** How long the server waits for what the client should say, virtual ms: longer than any fault, any tool and any way back take. Then it was lost. */
const patienceMs = 30_000;
/** Between two faults while the server waits for the client, virtual ms: the app is at work meanwhile. */
const betweenFaultsMs = 700;
/** How long a socket that takes nothing more has not ended at least, virtual ms: a client that looks at it every now and then has looked. */
const refusingMs = 50;

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
  /** Does it take nothing more, although its end has not been told yet? */
  isClosing: boolean;
  readonly due: AnswersDue;
  /** Ends the socket. Twice is once. `told`: its client hears of it */
  end(code: number, reason: string, told: boolean): void;
}

export class FaultyPeer {
  /** What the client did that no client may. */
  readonly violations: string[] = [];
  /** Sockets that have not ended. */
  openSockets = 0;
  /** Does the socket die of the next message, which is lost with it? */
  #diesOfNext = false;
  /** Until when no further fault strikes, ms. */
  #calmUntil = 0;
  /** Until when the client's bytes stay with its runtime, ms. */
  #stalledUntil = 0;
  readonly #clock: VirtualClock;
  readonly #script: Session;
  readonly #faults: Fault[];
  readonly #givesHandles: boolean;
  readonly #calls = new PeerCalls((violation) => this.violations.push(violation));
  readonly #frames: ClientFrames;
  #wasSetUp = false;
  /** Did a client, after the first setup, begin another conversation? */
  #hasBegunAfresh = false;
  readonly #timers = new Set<unknown>();
  #line: Line | null = null;
  #position = 0;
  /** Does it send nothing for a while? */
  #isDelayed = false;
  /** What the server waits for, and on which socket; a fault begins it anew. */
  #wait: { readonly position: number; readonly line: Line; readonly timer: unknown } | null = null;

  /** @param givesHandles  can the conversation be resumed? */
  constructor(clock: VirtualClock, script: Session, faults: readonly Fault[], givesHandles: boolean) {
    this.#clock = clock;
    this.#script = script;
    this.#faults = faults.toSorted((one, other) => one.frame - other.frame);
    this.#givesHandles = givesHandles;
    this.#frames = new ClientFrames(script);
    // A connection of a longer session: its handle was given by the one before.
    const given = script.said[0]?.message.setup?.sessionResumption?.handle;
    if (given !== undefined) this.#calls.give(given);
  }

  /** Ids of calls whose answers the conversation has. */
  get answered(): ReadonlySet<string> {
    return this.#calls.answered;
  }

  /** Has everything been sent? */
  get isDone(): boolean {
    return this.#position >= this.#script.recording.frames.length;
  }

  readonly open: OpenSocket = (_address, listener) => {
    let isGone = false;
    const end: Line['end'] = (code, reason, told) => {
      if (isGone) return;
      isGone = true;
      this.openSockets -= 1;
      line.isOpen = false;
      if (this.#line === line) this.#line = null;
      if (told) listener.closed(code, reason);
    };
    const line: Line = { listener, isOpen: false, isSetUp: false, isAccepted: false, isClosing: false, due: new Map(), end };
    this.openSockets += 1;
    this.#later(1, () => {
      if (this.#line?.isOpen === true) this.violations.push('a second socket was opened while the first was open');
      this.#line = line;
      line.isOpen = true;
      listener.opened();
    });
    const socket: ClientSocket = {
      send: (text, written) => {
        const isTaken = line.isOpen && !line.isClosing;
        if (isTaken) this.#judge(text, line);
        // On its way while the runtime confirms it, and lost if the socket is.
        this.#later(1, () => {
          if (!isTaken) return;
          const isFatal = this.#diesOfNext && line.isSetUp && !isGone;
          if (isFatal) this.#diesOfNext = false;
          if (isFatal || isGone) this.#lose(text);
          else this.#hear(text, line);
          if (isFatal) end(1006, '', true);
        });
        if (isTaken) this.#later(1, () => written(!isGone));
        else written(false);
      },
      bufferedAmount: () => (this.#clock.now() < this.#stalledUntil ? 100_000_000 : 0),
      pause: () => true,
      resume: () => undefined,
      close: (code, reason) => {
        line.isClosing = true;
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
    const { message } = read;
    this.#frames.hear(message);
    this.#calls.hear(message);
    // Not at once: what is lost meanwhile, the conversation has not had.
    if (this.#givesHandles && message.toolResponse !== undefined) this.#later(400, () => this.#line !== null && this.#giveHandle(this.#line));
    if (message.setup !== undefined) {
      line.isSetUp = true;
      this.#resume(line, message.setup.sessionResumption?.handle);
      // The recording's own setupComplete answers the first setup only.
      if (this.#position > 1) this.#later(1, () => this.#deliver(line, added({ setupComplete: {} })));
      if (this.#givesHandles) this.#later(2, () => this.#giveHandle(line));
    }
    this.#later(3, () => this.#goOn());
  }

  #judge(text: string, line: Line): void {
    const read = parseClientMessage(text);
    if (!read.ok) return;
    const [kind = 'unknown'] = read.kinds;
    if (kind !== 'setup' && !line.isAccepted) this.violations.push(`${kind} came before the setup was accepted`);
    this.#calls.judge(read.message, line.due);
  }

  #lose(text: string): void {
    const read = parseClientMessage(text);
    if (read.ok) this.#frames.lose(read.message);
  }

  /** The client's session has refused, and told so, a part of the answer to this call: it does not come. */
  refusePart(id: string): void {
    this.#frames.refusePart(id);
    this.#later(1, () => this.#goOn());
  }

  /** The client's session has given up, and told so, an answer that no call had asked for: true only of a conversation that did not go on. */
  loseUnasked(id: string): void {
    if (!this.#hasBegunAfresh) this.violations.push(`the answer ${id}, which nobody had asked for, was given up in a conversation that goes on`);
    else this.refusePart(id);
  }

  /** As the real server: none that could be resumed while a call is open. */
  #giveHandle(line: Line): void {
    if (this.#calls.open.size > 0) {
      this.#send(line, added({ sessionResumptionUpdate: { resumable: false } }));
      return;
    }
    this.#send(line, added({ sessionResumptionUpdate: { newHandle: this.#calls.give(), resumable: true } }));
  }

  #resume(line: Line, handle: string | undefined): void {
    if (handle !== undefined) this.#calls.resume(handle, line.due);
    else if (this.#wasSetUp) {
      this.#hasBegunAfresh = true;
      for (const name of this.#calls.beginAfresh()) this.#frames.dropUnnamed(name);
    }
    this.#wasSetUp = true;
  }

  #send(line: Line, text: string | readonly Uint8Array[]): void {
    if (line.isOpen) line.listener.frame(text);
  }

  /** The next frame, once the client has said what came before it. */
  #goOn(): void {
    while (!this.#isDelayed && !this.isDone) {
      const line = this.#line;
      const frame = this.#script.recording.frames[this.#position];
      if (line === null || !line.isSetUp || frame === undefined) return;
      if (this.#isDue || frame.from === 'server') {
        if (this.#strikes(line)) return;
        // The fault may have been the end of it.
        if (this.#isDue) return this.#await(line);
      }
      this.#position += 1;
      if (frame.from === 'client') continue;
      this.#deliver(line, frame.text);
      this.#later(1, () => this.#goOn());
      return;
    }
  }

  /** Is the next frame one that the client is still to send? */
  get #isDue(): boolean {
    return this.#frames.isDue(this.#position, this.#calls);
  }

  /** What can still come must. Whatever else the client says meanwhile makes no difference. */
  #await(line: Line): void {
    // The next fault at this frame comes while the app is still at work.
    if (this.#faults[0] !== undefined && this.#faults[0].frame <= this.#position) this.#later(betweenFaultsMs, () => this.#goOn());
    const position = this.#position;
    if (this.#wait?.position === position && this.#wait.line === line) return;
    this.#stopWaiting();
    const timer = this.#later(patienceMs, () => {
      // Without a socket it can't come.
      if (this.#position !== position || this.#line !== line) return;
      this.violations.push(`frame ${position} never came: ${this.#script.recording.frames[position]?.text.slice(0, 160) ?? ''}`);
      this.#position += 1;
      this.#goOn();
    });
    this.#wait = { position, line, timer };
  }

  #stopWaiting(): void {
    this.#clock.clearTimeout(this.#wait?.timer);
    this.#wait = null;
  }

  #deliver(line: Line, text: string, frame: string | readonly Uint8Array[] = text): void {
    const read = parseServerMessage(text);
    if (read.ok) this.#calls.deliver(read.message, line.isOpen ? line.due : null);
    if (read.ok && read.message.setupComplete !== undefined) line.isAccepted = true;
    this.#send(line, frame);
  }

  /** The next fault, once, before its frame. @returns whether the server does not go on now */
  #strikes(line: Line): boolean {
    const [fault] = this.#faults;
    if (fault === undefined || fault.frame > this.#position || this.#clock.now() < this.#calmUntil) return false;
    this.#faults.shift();
    this.#stopWaiting();
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
        line.end(1006, '', true);
        return true;
      case 'stall':
        this.#stalledUntil = this.#clock.now() + Math.ceil(chance * 5_000);
        return false;
      case 'refuse':
        line.isClosing = true;
        // It holds nothing that would keep the client from trying.
        this.#stalledUntil = this.#clock.now();
        this.#later(refusingMs + Math.ceil(chance * 500), () => line.end(1006, '', true));
        return false;
      case 'duplicate':
        this.#deliver(line, text);
        return false;
      case 'delay':
        this.#isDelayed = true;
        this.#later(Math.ceil(chance * 9_000), () => {
          this.#isDelayed = false;
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
        this.#send(line, added({ goAway: { timeLeft: '8s' } }));
        this.#later(8_000, () => line.end(1011, 'Deadline expired before operation could complete.', true));
        return false;
      case 'cancel':
        this.#cancel(line);
        return false;
      case 'recall': {
        const ids = new Set(this.#calls.open);
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
    this.#deliver(line, added({ toolCall: { functionCalls: [call] } }));
  }

  /** The calls of the recording up to here, the latest first. */
  get #made(): readonly MadeCall[] {
    const past = this.#script.recording.frames.slice(0, this.#position).filter(({ from }) => from === 'server');
    return past
      .flatMap(({ text }) => {
        const read = parseServerMessage(text);
        return read.ok ? callsIn(read.message).flatMap(({ id, ...rest }) => (id ? [{ id, ...rest }] : [])) : [];
      })
      .toReversed();
  }

  /** Whatever is open is taken back. */
  #cancel(line: Line): void {
    const ids = [...this.#calls.open];
    this.#calls.cancel(ids);
    this.#send(line, added({ toolCallCancellation: { ids } }));
  }
}

/** A message that no recording holds, and that differs from all that it holds: the app is not to take one for the other. */
function added(message: object): string {
  return JSON.stringify({ ...message, isAdded: true });
}
