/** An app that says what a recorded client said, when it said it: each message once so many messages of the server have come. */
import { isDeepStrictEqual } from 'node:util';
import { liveSession, liveSessionHandle, type LiveSession, type LiveSessionOptions, type LiveSessionRef } from '../../../src/index.js';
import type { SessionEmitted } from '../../../machines/live/session-events.js';
import type { FunctionResponse } from '../../../src/wire/gemini/content.js';
import type { ServerMessage } from '../../../src/wire/gemini/live.js';
import type { Session } from './recordings.js';

/** A session that sets up what was recorded, and leaves its calls to {@link RecordedApp}. */
export function recordedSession({ said }: Session, options: Partial<LiveSessionOptions>): ReturnType<typeof liveSession> {
  const { model = 'not-recorded', ...setup } = said[0]?.message.setup ?? {};
  return liveSession({
    model,
    setup,
    resumption: Object.hasOwn(setup, 'sessionResumption'),
    onToolCall: () => undefined,
    // What was sent while a call was open was sent.
    capabilities: { gatesAudio: false },
    uplink: { maxAudio: 10_000, maxContent: 10_000, maxBytes: 1_000_000_000 },
    toolMs: 60_000,
    ...options,
  });
}

/** What one call came to. */
type CallEnd = 'tool.answered' | 'tool.cancelled' | 'tool.abandoned';

/** Says what was recorded, and keeps account of what is heard. */
export class RecordedApp {
  readonly session: LiveSession;
  /** Messages of the server, as the app was told of them; null for a frame that could not be read. */
  readonly heard: (ServerMessage | null)[] = [];
  /** Every state of the connection, in order. */
  readonly path: string[] = [];
  /** How each call ended, by its id. */
  readonly ends = new Map<string, CallEnd[]>();
  /** Calls that the app has answered, and that were given up at the end all the same. */
  readonly givenUp: string[] = [];
  /** What was refused of what the app said. */
  readonly refused: string[] = [];
  /** Told whenever something was heard. */
  changed: () => void = () => {};
  /** When an answer is given that is due now: at once, or as a run wants it. */
  later: (act: () => void) => void = (act) => act();
  readonly #answered = new Set<string>();
  readonly #script: Session;
  readonly #calls: { readonly id: string; readonly name: string }[] = [];
  #next = 1; // the setup is the session's own

  constructor(ref: LiveSessionRef, script: Session) {
    this.session = liveSessionHandle(ref);
    this.#script = script;
    ref.on('*', (fact) => this.#hear(fact));
    ref.subscribe((snapshot) => {
      const state = connectionOf(snapshot.value);
      if (this.path.at(-1) !== state) this.path.push(state);
    });
  }

  /** Has all been said? */
  get isDone(): boolean {
    return this.#next >= this.#script.said.length;
  }

  /** Says whatever is due. A frame that a fault took away, or added, does not hold it up for ever: `heard` counts what came. */
  speak(heardAtLeast = this.heard.length): void {
    for (;;) {
      const due = this.#script.said[this.#next];
      if (due === undefined || due.afterServerMessages > heardAtLeast) return;
      this.#next += 1;
      this.#say(due.message);
    }
  }

  /** Why the calls are not accounted for; undefined when each ended exactly once. */
  unaccounted(): string | undefined {
    for (const [id, ends] of this.ends) if (ends.length !== 1) return `call ${id} ended ${ends.length} times: ${ends.join(', ') || 'not at all'}`;
    return undefined;
  }

  #hear(fact: SessionEmitted): void {
    if (fact.type === 'session.message') this.heard.push(fact.message);
    else if (fact.type === 'session.malformed' && fact.reason !== 'invalid-shape') this.heard.push(null);
    else if (fact.type === 'tool.called') {
      this.#calls.push(fact);
      this.ends.set(fact.id, this.ends.get(fact.id) ?? []);
    } else if (fact.type === 'tool.answered' || fact.type === 'tool.cancelled' || fact.type === 'tool.abandoned') {
      this.ends.get(fact.id)?.push(fact.type);
      if (fact.type === 'tool.abandoned' && fact.reason === 'closed' && this.#answered.has(fact.id)) this.givenUp.push(fact.id);
    } else if (fact.type === 'session.rejected' || fact.type === 'session.dropped') this.refused.push(fact.reason);
    if (fact.type === 'session.message' || fact.type === 'session.malformed' || fact.type === 'tool.called') this.speak();
    this.changed();
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
  #answer({ id, name, response, scheduling, willContinue }: FunctionResponse): void {
    const place = this.#calls.findIndex((call) => (id === undefined ? call.name === name : call.id === id));
    const [call] = place === -1 ? [] : this.#calls.splice(place, willContinue === true ? 0 : 1);
    this.later(() => this.#respond(call ?? this.#calls[place], { id, name, response, scheduling, willContinue }));
  }

  #respond(call: { readonly id: string } | undefined, { id, name, response, scheduling, willContinue }: FunctionResponse): void {
    if (call !== undefined && willContinue !== true) this.#answered.add(call.id);
    const known = call ?? { id: id ?? '', unsolicited: name ?? '' };
    this.session.sendToolResponse({
      ...('unsolicited' in known ? known : { id: known.id }),
      response,
      ...(scheduling === undefined ? {} : { scheduling: scheduling as 'SILENT' }),
      ...(willContinue === undefined ? {} : { willContinue }),
    });
  }
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

/** The first place where two lists of messages differ, in words; undefined where they are equal. */
export function difference(what: string, expected: readonly unknown[], got: readonly unknown[]): string | undefined {
  const place = Array.from({ length: Math.max(expected.length, got.length) }).findIndex(
    (_, index) => !isDeepStrictEqual(plain(expected[index]), plain(got[index])),
  );
  if (place === -1) return undefined;
  return `${what} ${place}: expected ${brief(expected[place])}, got ${brief(got[place])}`;
}

/** As JSON has it: prototypes and undefined fields mean nothing on the wire. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
