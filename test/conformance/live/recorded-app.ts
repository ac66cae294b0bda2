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
import { callsIn, isWholeFrame } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** What one call came to. */
type CallEnd = 'tool.answered' | 'tool.cancelled' | 'tool.abandoned';

/** A call, as the app has it. An id may name several, one after the other. */
interface AppCall {
  readonly id: string;
  readonly name: string;
  /** Is it answered by what the app's function returns or throws? Else by hand. */
  readonly isReturned: boolean;
  /** How the session says that it ended: once, at the end. */
  readonly ends: CallEnd[];
  /** The last answer, once the app has given it; a part of an answer is none. */
  answer: FunctionResponse | undefined;
  /** Ends the function with the answer; undefined while it does not run. */
  settle: ((answer: FunctionResponse) => void) | undefined;
  /** Of the function that runs for it. */
  signal: AbortSignal | undefined;
}

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
  readonly #later: (act: () => void) => void;
  readonly #returns: (call: number) => boolean;
  readonly #script: Session;
  readonly #calls: AppCall[] = [];
  /** Calls that the recorded client has not answered yet. */
  readonly #unanswered: AppCall[] = [];
  /** Calls that ended in an earlier turn of the session. */
  readonly #ended = new Set<AppCall>();
  /** Calls whose functions went on after their end. */
  readonly #running = new Set<AppCall>();
  /** Calls that the app has answered, and that were given up at the end all the same. */
  readonly #givenUp: AppCall[] = [];
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

  /** How often the session has left a socket for a new one, in order. */
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

  /** Why the calls are not accounted for; undefined when each ended exactly once, and its function with it. */
  unaccounted(): string | undefined {
    const { id, ends } = this.#calls.find((call) => call.ends.length !== 1) ?? {};
    if (ends !== undefined) return `call ${id} ended ${ends.length} times: ${ends.join(', ') || 'not at all'}`;
    this.#lookAtEnded();
    const [still] = this.#running;
    return still === undefined ? undefined : `the function of ${still.id} went on after ${still.ends[0]}`;
  }

  /**
   * The first answer that was lost; undefined where none was.
   * @param heard  has the server the answer to this id?
   */
  lostAnswer(heard: (id: string) => boolean): string | undefined {
    // An id that was called again is answered again.
    const isLatest = (call: AppCall): boolean => this.#calls.findLast(({ id }) => id === call.id) === call;
    const isLost = (call: AppCall): boolean => call.ends.includes('tool.answered') && !call.id.startsWith('local:') && isLatest(call);
    const lost = this.#calls.find((call) => isLost(call) && !heard(call.id));
    if (lost !== undefined) return `the answer to ${lost.id} was lost: told as answered, and never heard`;
    const waited = this.#givenUp[0];
    return waited === undefined ? undefined : `the answer to ${waited.id} was lost: it waited until the session was closed`;
  }

  #hear(fact: SessionEmitted): void {
    switch (fact.type) {
      case 'session.message':
        this.#lookAtEnded();
        return this.#hearMessage(fact.message);
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
      case 'tool.called':
        this.#enter(fact);
        break;
      case 'tool.answered':
      case 'tool.cancelled':
      case 'tool.abandoned':
        this.#end(fact);
        break;
      default:
    }
    this.changed();
  }

  #hearMessage(message: ServerMessage): void {
    if (message.setupComplete !== undefined && this.#passesOver > 0) this.#passesOver -= 1;
    else this.#count(message);
    this.changed();
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
    const earlier = this.#calls.findLast((other) => other.id === id);
    const isReturned = this.#returns(this.#calls.length);
    const call: AppCall = { id, name, isReturned, ends: [], answer: undefined, settle: undefined, signal: undefined };
    this.#calls.push(call);
    const answer = earlier?.ends[0] === 'tool.answered' ? undefined : earlier?.answer;
    if (answer === undefined) this.#unanswered.push(call);
    else this.#later(() => this.#respond(call, answer));
  }

  #end(fact: Extract<SessionEmitted, { id: string; name: string }>): void {
    const named = this.#calls.filter(({ id }) => id === fact.id);
    // A second end of the same call is to be seen as one.
    const call = named.find(({ ends }) => ends.length === 0) ?? named.at(-1);
    if (call === undefined) return;
    call.ends.push(fact.type as CallEnd);
    this.#ended.add(call);
    // The recorded client may have answered one that was made again; never one that was taken back.
    const place = this.#unanswered.indexOf(call);
    if (place !== -1 && fact.type === 'tool.cancelled') this.#unanswered.splice(place, 1);
    if (fact.type === 'tool.abandoned' && 'reason' in fact && fact.reason === 'closed' && call.answer !== undefined) this.#givenUp.push(call);
  }

  /** The app's function, for every tool. */
  #run({ id }: LiveToolCall, { signal }: ToolContext): unknown {
    const call = this.#calls.findLast((one) => one.id === id);
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

  #lookAtEnded(): void {
    for (const call of this.#ended) if (call.signal?.aborted === false) this.#running.add(call);
    this.#ended.clear();
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
    const place = this.#unanswered.findIndex((call) => (id === '' ? call.name === name : call.id === id));
    const call = this.#unanswered[place];
    if (call !== undefined && willContinue !== true) this.#unanswered.splice(place, 1);
    this.#later(() => (call === undefined ? this.#send(id, response, { unsolicited: name ?? '' }) : this.#respond(call, response)));
  }

  #respond(call: AppCall, response: FunctionResponse): void {
    const hasEnded = call.ends.length > 0;
    // The same id may be another call by now. Else a late answer is given: it must touch nothing.
    if (hasEnded && this.#calls.findLast(({ id }) => id === call.id) !== call) return;
    const isLast = response.willContinue !== true;
    if (isLast) call.answer = response;
    if (isLast && call.isReturned && !hasEnded) call.settle?.(response);
    else this.#send(call.id, response);
  }

  #send(id: string, response: FunctionResponse, how: { readonly unsolicited?: string } = {}): void {
    this.session.sendToolResponse({ id, ...how, ...answered(response), ...(response.willContinue === true ? { willContinue: true } : {}) });
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
