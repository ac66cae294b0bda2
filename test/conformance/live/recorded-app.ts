/**
 * The app of a recording: it says to our session what the recorded client said, at the moments at which that one said it.
 *
 * Some of its calls it answers by hand, as the recorded client did; the others by what its function returns or, where the recording has nothing but an
 * error, throws. A function whose call is answered by hand runs until its signal aborts.
 */
import { isDeepStrictEqual } from 'node:util';
import { createActor } from 'xstate';
import {
  type Clock,
  liveSession,
  liveSessionHandle,
  type LiveSession,
  type LiveSessionOptions,
  type LiveToolCall,
  type ToolContext,
} from '../../../src/index.js';
import type { SessionEmitted } from '../../../machines/live/session-events.js';
import type { FunctionResponse } from '../../../src/wire/gemini/content.js';
import type { ServerMessage } from '../../../src/wire/gemini/live.js';
import { type AppCall, AppCalls, type CallEnd, isTakenBack } from './app-calls.js';
import { callsIn, isWholeFrame } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** How an app plays. */
export interface AppOptions {
  readonly session: Partial<LiveSessionOptions>;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** When an answer is given that is due now. Default: at once. */
  readonly later?: (act: () => void) => void;
  /** Which calls, by their number from 0, are answered by what the function returns. Default: every other one. */
  readonly returns?: (call: number) => boolean;
}

/** Says what was recorded, and keeps account of what is heard. */
export class RecordedApp {
  readonly session: LiveSession;
  /** Messages of the server, as the app was told of them; null for a frame that could not be read. */
  readonly heard: (ServerMessage | null)[] = [];
  /** Every state of the connection, in order. */
  readonly path: string[] = [];
  /** What was refused of what the app said. */
  readonly refused: string[] = [];
  /** The handle that the session would resume with; null for none. */
  handle: string | null;
  /** Told whenever something was heard. */
  changed: () => void = () => {};
  /** Told where the session has refused a part of the answer to this call. */
  partRefused: (id: string) => void = () => {};
  /** Told where the session has given up an answer that no call had asked for, because its conversation is lost. */
  unaskedLost: (id: string) => void = () => {};
  readonly #later: (act: () => void) => void;
  readonly #returns: (call: number) => boolean;
  readonly #script: Session;
  readonly #calls = new AppCalls();
  /** Calls that the recorded client has not answered yet. */
  readonly #unanswered: AppCall[] = [];
  #next = 1; // the setup is the session's own
  /** How many of the recorded server's messages have come. */
  #heardCount = 0;
  /** Has a message with calls come, of which the app is not told yet? */
  #isDue = false;
  #passesOver = 0;

  /** @param script  its setup is the session's */
  constructor(script: Session, { session, clock, later = (act) => act(), returns = (call) => call % 2 === 1 }: AppOptions) {
    this.#script = script;
    this.handle = script.said[0]?.message.setup?.sessionResumption?.handle || null;
    this.#later = later;
    this.#returns = returns;
    const logic = recordedSession(script, { ...session, onToolCall: (call, context) => this.#run(call, context) });
    const ref = createActor(logic, clock === undefined ? {} : { clock });
    this.session = liveSessionHandle(ref);
    ref.on('*', (fact) => this.#hear(fact));
    ref.subscribe((snapshot) => {
      const state = connectionOf(snapshot.value);
      if (this.path.at(-1) !== state) this.path.push(state);
      // Only now are the calls of a message told of that it holds.
      if (this.#isDue) this.#speak();
    });
  }

  /** How often the session has left a socket that was to end for a new one. */
  get rotations(): number {
    return this.path.filter((state) => state === 'rotating').length;
  }

  /** Says whatever is due. What a fault has added does not count: a call is not answered before it came. */
  #speak(): void {
    this.#isDue = false;
    for (;;) {
      const due = this.#script.said[this.#next];
      if (due === undefined || due.afterServerMessages > this.#heardCount) return;
      this.#next += 1;
      this.#say(due.message);
    }
  }

  /** The next `setupComplete` answers a setup that the recording does not have: it is none of what is heard. */
  passOverSetupComplete(): void {
    this.#passesOver += 1;
  }

  /** Why the calls are not accounted for; undefined when each was told, run and ended once, and its function ended with it. */
  unaccounted(): string | undefined {
    return this.#calls.unaccounted();
  }

  /**
   * The first answer that was lost; undefined where none was.
   * @param heard  has the server the answer to this id?
   */
  lostAnswer(heard: (id: string) => boolean): string | undefined {
    return this.#calls.lostAnswer(heard);
  }

  #hear(fact: SessionEmitted): void {
    switch (fact.type) {
      case 'session.message':
        this.#calls.hear(fact.message, this.path.at(-1)?.startsWith('ready') === true);
        this.#hearMessage(fact.message);
        break;
      case 'session.malformed':
        // A part of a frame that cannot be read is told of beside the rest of it.
        if (fact.reason !== 'invalid-shape' || isWholeFrame(this.#script, fact)) this.#count(null);
        break;
      case 'session.resumable':
        this.handle = fact.handle;
        break;
      case 'session.contextLost':
        this.handle = null;
        break;
      case 'session.rejected':
      case 'session.dropped':
        this.refused.push(fact.reason);
        break;
      case 'tool.rejected':
        // What comes after the end of a call is missed by nobody.
        if (fact.reason !== 'ended' && fact.reason !== 'unknown') this.partRefused(fact.id);
        break;
      case 'tool.called':
        this.#enter(fact);
        break;
      case 'tool.answered':
      case 'tool.cancelled':
      case 'tool.abandoned':
        if (fact.type === 'tool.abandoned' && fact.reason === 'contextLost' && this.#calls.latest(fact.id) === undefined) this.unaskedLost(fact.id);
        this.#end(fact.type, fact);
        break;
      default:
    }
    this.changed();
  }

  #hearMessage(message: ServerMessage): void {
    if (message.setupComplete !== undefined && this.#passesOver > 0) this.#passesOver -= 1;
    else this.#count(message);
  }

  #count(message: ServerMessage | null): void {
    this.heard.push(message);
    const { heard } = this.#script;
    if (this.#heardCount < heard.length && isDeepStrictEqual(message, heard[this.#heardCount])) this.#heardCount += 1;
    if (message !== null && callsIn(message).length > 0) this.#isDue = true;
    else this.#speak();
  }

  /** One that is made again gets the answer that it had: who takes a call back and makes it again wants it. */
  #enter({ id, name }: { readonly id: string; readonly name: string }): void {
    const earlier = this.#calls.latest(id);
    const call = this.#calls.enter(id, name, this.#returns(this.#calls.count));
    const answer = earlier !== undefined && isTakenBack(earlier) ? earlier.answer : undefined;
    if (answer === undefined) this.#unanswered.push(call);
    else this.#later(() => this.#respond(call, answer));
  }

  #end(type: CallEnd, fact: { readonly id: string; readonly reason?: string }): void {
    const call = this.#calls.end(type, fact);
    // The recorded client may have answered one that was made again; never one that was taken back.
    if (call !== undefined && type === 'tool.cancelled') this.#settle(call);
  }

  /** The app's function, for every tool. */
  #run({ id }: LiveToolCall, { signal }: ToolContext): unknown {
    const call = this.#calls.run(id);
    if (call === undefined) return undefined;
    call.signal = signal;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      if (!call.isReturned) return;
      call.settle = (answer) => {
        call.signal = undefined;
        const error = errorIn(answer);
        if (error === null) resolve(answered(answer));
        else reject(new Error(error));
      };
      if (call.answer !== undefined) call.settle(call.answer);
    });
  }

  #say({ clientContent, contextUpdate, realtimeInput, toolResponse, ...rest }: Session['said'][number]['message']): void {
    if (toolResponse !== undefined) {
      for (const response of toolResponse.functionResponses) this.#answer(response);
      return;
    }
    const { session } = this;
    const outcome =
      clientContent !== undefined
        ? session.sendClientContent(clientContent)
        : realtimeInput !== undefined
          ? session.sendRealtimeInput(realtimeInput)
          : contextUpdate !== undefined
            ? session.sendContextUpdate(contextUpdate)
            : undefined;
    if (outcome === undefined) session.ref.send({ type: 'session.send', message: rest });
    else if (outcome.status === 'rejected' || outcome.status === 'dropped') this.refused.push(outcome.reason);
  }

  /** Vertex's answers bear no id: the oldest call of that name is meant. */
  #answer(response: FunctionResponse): void {
    const { id = '', name, willContinue } = response;
    const open = this.#unanswered.find((call) => (id === '' ? call.name === name : call.id === id));
    // Not forgotten where its call was taken back: that may be made again.
    const latest = this.#calls.latest(id);
    const call = open ?? (latest !== undefined && isTakenBack(latest) ? latest : undefined);
    if (call !== undefined && willContinue !== true) this.#settle(call);
    this.#later(() => (call === undefined ? this.#send(id, response, { unsolicited: name ?? '' }) : this.#respond(call, response)));
  }

  /** To its own call, or to the one that was made instead; a late answer is given: it must touch nothing. */
  #respond(asked: AppCall, response: FunctionResponse): void {
    const call = this.#calls.heirOf(asked);
    if (call === undefined) return;
    const hasEnded = call.ends.length > 0;
    const isLast = response.willContinue !== true;
    if (isLast) this.#settle(call);
    if (isLast) call.answer = response;
    if (isLast && call.isReturned && !hasEnded) call.settle?.(response);
    else this.#send(call.id, response);
  }

  /** The recorded client owes this call nothing more. */
  #settle(call: AppCall): void {
    const place = this.#unanswered.indexOf(call);
    if (place !== -1) this.#unanswered.splice(place, 1);
  }

  #send(id: string, response: FunctionResponse, how: { readonly unsolicited?: string } = {}): void {
    const isPart = response.willContinue === true;
    const outcomes = this.session.sendToolResponse({ id, ...how, ...answered(response), ...(isPart ? { willContinue: true } : {}) });
    if (isPart && outcomes.some(({ status }) => status === 'rejected')) this.partRefused(id);
  }
}

/** A session that sets up what was recorded. */
function recordedSession({ said }: Session, options: Partial<LiveSessionOptions>): ReturnType<typeof liveSession> {
  const { model = 'not-recorded', ...setup } = said[0]?.message.setup ?? {};
  return liveSession({
    model,
    setup,
    resumption: Object.hasOwn(setup, 'sessionResumption'),
    // What was sent while a call was open was sent.
    capabilities: { gatesAudio: false },
    uplink: { maxAudio: 10_000, maxContent: 10_000, maxBytes: 1_000_000_000 },
    toolMs: 60_000,
    ...options,
  });
}

/** A recorded answer as an app gives it. */
function answered({ parts, response, scheduling = '' }: FunctionResponse): { readonly response: object; readonly scheduling?: 'SILENT' } {
  const isNamed = scheduling !== '' && scheduling !== 'SCHEDULING_UNSPECIFIED';
  return { response, ...(isNamed ? { scheduling: scheduling as 'SILENT' } : {}), ...(parts === undefined ? {} : { parts }) };
}

/** What a function throws to be answered for like this; null where it returns. */
function errorIn({ parts, response, scheduling }: FunctionResponse): string | null {
  const { error, ...rest } = response;
  const isPlain = parts === undefined && scheduling === undefined && Object.keys(rest).length === 0;
  return isPlain && typeof error === 'string' && error !== '' ? error : null;
}

/** The state of the connection, as `ready.idle`; what the session as a whole is once it is over. */
export function connectionOf(value: unknown): string {
  const open = (value as { open?: { connection: unknown } }).open;
  return open === undefined ? String(value) : flat(open.connection).replace(/^online\./, '');
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[key, inner] = ['', '']] = Object.entries(value as object);
  return `${key}.${flat(inner)}`;
}

/** From each state of the connection, the states that may follow. */
const legal: Readonly<Record<string, readonly string[]>> = {
  connecting: ['settingUp', 'backingOff', 'closed', 'failed'],
  // A goAway that came before setupComplete takes the session through `ready` in one step.
  settingUp: ['ready', 'rotating', 'connecting', 'backingOff', 'closed', 'failed'],
  ready: ['ready', 'rotating', 'backingOff', 'closing', 'closed', 'failed'],
  rotating: ['connecting', 'closed', 'failed'],
  backingOff: ['connecting', 'closed', 'failed'],
  closing: ['closed', 'failed'],
};

/** The first step of a path that no chart of ours takes; undefined where all are legal. */
export function illegalStep(path: readonly string[]): string | undefined {
  if (path[0] !== undefined && path[0] !== 'connecting') return `begins ${path[0]}`;
  for (const [index, state] of path.entries()) {
    const next = path[index + 1];
    const [from = '', to = ''] = [state.split('.')[0], next?.split('.')[0]];
    if (next !== undefined && legal[from]?.includes(to) !== true) return `${state} → ${next}`;
  }
  return undefined;
}
