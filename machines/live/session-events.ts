/** What a Live session is given, told, and tells: its input, events, facts and commands. The chart is in session.ts. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';
import type { JsonObject } from './calls.js';
import type { SessionEnd, SessionFailure } from './ending.js';
import type { ToolAnswer, ToolCallNews } from './tool-call.js';

/** Of a message, as an action gets it. */
export interface Said {
  readonly message: JsonObject;
}

/** Of a call, as an action gets it: its number in the session. */
export interface Keyed {
  readonly key: number;
}

/** Of an abort listener of a call that threw, as an action gets it. */
export interface Thrown extends Keyed {
  readonly reason: string;
}

/** Of a message of the app, as an action gets it. */
export interface Sending extends Said {
  readonly ref: string | undefined;
}

/** What becomes of open calls where the session takes its leave: answers that the uplink has may still be written, or are dropped. */
export interface Leave {
  readonly reason: string;
  readonly answers: 'keep' | 'drop';
}

/** How a session comes back after its socket was lost. */
export interface ReconnectPolicy {
  /** How many lost sockets within the period, or attempts in a row; one more, and the session fails. One that was left after a `goAway` is not lost. */
  readonly intensity: number;
  /** ms. */
  readonly periodMs: number;
  readonly backoff: Backoff;
}

/** What a session is to set up, and how long each of its waits may last. */
export interface SessionInput {
  /** The body of the `setup` message. */
  readonly setup: JsonObject;
  /** Until the socket is open, ms. */
  readonly connectMs: number;
  /** From there to `setupComplete`, ms. */
  readonly setupMs: number;
  /** For a tool that has no deadline of its own, ms. */
  readonly toolMs: number;
  /** Deadlines of tools that have their own, ms, by name. */
  readonly toolDeadlines: Readonly<Record<string, number>>;
  /** Tools that the model does not wait for, by name. */
  readonly nonBlocking: readonly string[];
  /** Can the model go on while a tool runs? Where it cannot, it waits for every tool, whatever a later `contextUpdate` declares. */
  readonly goesOn: boolean;
  /** From a close to the peer's answer, ms; then the socket is terminated. */
  readonly closeMs: number;
  /** Are handles asked for, and is the conversation resumed with them? */
  readonly resumption: boolean;
  readonly reconnect: ReconnectPolicy;
  /** How long before the end that a `goAway` announces the socket is left at the latest, ms. */
  readonly rotationMarginMs: number;
  /** Must the microphone be silent while a blocking call is open? */
  readonly gatesAudio: boolean;
  /** What becomes of calls that a resumed conversation does not know, since its handle is older than they are. */
  readonly staleAnswers: 'send' | 'abandon';
  /** Turns that a conversation begins with: sent after each fresh setup, and after a resumption by a handle from before they were written. */
  readonly history: readonly JsonObject[];
  /** Does it need a permit, for all its life? Default false. In another process, that one says. */
  readonly isBehindGate?: boolean;
}

/** Why a message was not taken: `reserved`: setup and tool answers are the session's own to send; `full`: the bound of its lane. */
export type RejectReason = 'closing' | 'closed' | 'unstarted' | 'reserved' | 'notJson' | 'full';

/** The kinds of what an app sends, each with a bound of its own. */
export type Lane = 'audio' | 'content';

/** What a session is told: by the app and its supervisor, by its actors, and by itself (the last five, raised from what it reads). */
export type SessionEvent =
  | { type: 'session.send'; message: JsonObject; ref?: string }
  /** `unsolicited`: the name of a call that this session never heard of, made before its process began; there is no call to be run, only its answer. */
  | ({ type: 'session.respond'; id: string; unsolicited?: string } & ToolAnswer)
  | { type: 'session.close' }
  | { type: 'supervisor.shutdown'; reason?: ExitReason }
  /** What the app has sent, past the chart, changes the conversation, which a handle from before does not know. `awaits`: the model is to answer. */
  | { type: 'turn.requested'; awaits: boolean }
  /** The app has sent a `contextUpdate`, past the chart: later setups are to have it. */
  | { type: 'setup.amended'; update: JsonObject }
  /** Its permit is being waited for: as it begins, and as it begins again after it was stored. */
  | { type: 'permit.asked' }
  | { type: 'permit.granted' }
  /** There is none, or none any more. `code`: the gate's reason, or `lost`. */
  | { type: 'permit.failed'; code: string; reason: string }
  | { type: 'socket.opening' }
  | { type: 'socket.opened' }
  | { type: 'server.message'; message: JsonObject }
  | { type: 'socket.malformed'; reason: string; detail: string; excerpt: string }
  /** The socket's end, once. `code`: of its close frame, an HTTP status, or a name such as `ECONNREFUSED`. `at`: monotonic ms. */
  | { type: 'socket.closed'; code: number | string; reason: string; at: number }
  | { type: 'uplink.written'; key: number }
  /** It will not be written: it was withdrawn; or nobody had asked for it, and too much waits. */
  | { type: 'uplink.withdrawn'; key: number }
  /** What the conversation begins with is written. */
  | { type: 'uplink.seeded' }
  | { type: 'uplink.told'; fact: UplinkFact }
  /** Asked whether there is more to hear of before the socket is left: all that it may write now is with the socket, and told. */
  | { type: 'uplink.settled' }
  | ToolCallNews
  | { type: 'tools.failed'; reason: string }
  | { type: 'uplink.failed'; reason: string }
  | { type: 'speech.started' }
  | { type: 'speech.ended' }
  | { type: 'setup.completed'; sessionId: string | null }
  | { type: 'turn.generating' }
  | { type: 'turn.interrupted' }
  | { type: 'turn.completed' }
  | { type: 'rotation.announced'; timeLeftMs: number | null }
  | { type: 'rotation.forced' }
  | { type: 'rotation.over' };

/** What the uplink has done with messages of the app, and with parts of answers that it had no room for. */
export type UplinkFact =
  | { type: 'tool.rejected'; id: string; reason: 'full' }
  | { type: 'session.sent'; ref: string }
  | { type: 'session.queued'; ref: string }
  | { type: 'session.rejected'; ref: string | null; reason: RejectReason }
  /** `count` messages of a lane were let go: the oldest of too many, those of a gated microphone, or those that the end of the session found waiting. */
  | { type: 'session.dropped'; lane: Lane; count: number; reason: 'oldest' | 'gated' | 'ended'; ref: string | null };

/**
 * The facts of a session, for `LiveSession.on`.
 *
 * | fact                                   | what has happened                                                              |
 * |----------------------------------------|--------------------------------------------------------------------------------|
 * | `session.ready`                        | the server has accepted a setup; `resumed`: the conversation goes on           |
 * | `session.message`                      | a message of the server came, as it was; its calls are told by facts of their own |
 * | `session.malformed`                    | a frame, or a part of one, could not be read; the rest of it is passed on      |
 * | `session.sent` · `queued` · `dropped` · `rejected` | what became of an app's message; `ref` is the one it was sent with |
 * | `session.gated`                        | the microphone is closed while a blocking call is open, or open again          |
 * | `session.goAway`                       | the server will end this socket; a new one is on its way                       |
 * | `session.resumable`                    | a handle to resume with; the last one is used by itself                        |
 * | `session.reconnecting`                 | the socket was lost; the next attempt is made in `delayMs`                     |
 * | `session.contextLost`                  | the conversation could not be resumed: a fresh one has begun                   |
 * | `session.answersLost`                  | it was resumed, and so many answers that it may not have had are no longer remembered: of more than 1 024 calls |
 * | `session.closed` · `session.failed`    | the session has ended: one of the two, once, last                              |
 * | `tool.called`                          | the model calls; ends in exactly one of the next three                         |
 * | `tool.answered`                        | the answer is written                                                          |
 * | `tool.cancelled`                       | the server took the call back; the tool's signal aborts, nothing is answered   |
 * | `tool.abandoned`                       | the session ended, or lost the conversation, before the answer was written; `stopped`: somebody stopped its actor |
 * | `tool.progressed`                      | a part of an answer is on its way                                              |
 * | `tool.repeated`                        | a call came that was delivered before: it is not run again                     |
 * | `tool.resent`                          | an answer was written again: the resumed conversation had not had it           |
 * | `tool.rejected`                        | an answer of the app was not taken: there is no such call, or it has ended; or this is a part of an answer, and the call does not run yet, or the model waits for it; or it is such a part, or nobody had asked for it here, and too much waits |
 * | `tool.listenerThrew`                   | an abort listener of the tool threw: nothing else has come of it               |
 */
export type SessionEmitted =
  | { type: 'session.ready'; sessionId: string | null; resumed: boolean }
  | { type: 'session.message'; message: JsonObject }
  | { type: 'session.malformed'; reason: string; detail: string; excerpt: string }
  | UplinkFact
  | { type: 'session.gated'; closed: boolean }
  | { type: 'session.goAway'; timeLeftMs: number | null }
  | { type: 'session.resumable'; handle: string }
  | { type: 'session.reconnecting'; attempt: number; delayMs: number; code: number | string; reason: string }
  | { type: 'session.contextLost'; code: number | string; reason: string }
  | { type: 'session.answersLost'; count: number }
  | ({ type: 'session.closed' } & SessionEnd)
  | ({ type: 'session.failed' } & SessionFailure)
  | { type: 'tool.called'; id: string; name: string; args: JsonObject }
  | { type: 'tool.answered' | 'tool.progressed'; id: string; name: string; response: JsonObject }
  | { type: 'tool.repeated' | 'tool.cancelled' | 'tool.resent'; id: string; name: string }
  | { type: 'tool.rejected'; id: string; reason: 'unknown' | 'pending' | 'ended' | 'blocking' | 'full' }
  | { type: 'tool.abandoned' | 'tool.listenerThrew'; id: string; name: string; reason: string };

/** What the session tells `connection`, the socket. `connection.lane`: may messages that change no state pass beside the chart? */
export type ConnectionCommand =
  | { type: 'connection.setup'; message: JsonObject }
  | { type: 'connection.lane'; open: boolean }
  | { type: 'connection.close'; code: number; reason: string };

/** What `connection` is given: the `closeMs` of {@link SessionInput}. */
export interface ConnectionInput {
  readonly closeMs: number;
}

/**
 * What the session tells `uplink`. `key` names the call that an answer belongs to, null where it is `again` the last answer to that call, to be written
 * once more; of an answer in parts only the last is `final`; one that is `unasked` takes the room of content. `uplink.hold`: where a message waits that
 * asks for a turn, it is to say so anew. `uplink.withdraw`: what of a call's answer is not written yet is not to be written, nor to be written once more.
 */
export type UplinkCommand =
  | { type: 'uplink.open' }
  | { type: 'uplink.hold' }
  | { type: 'uplink.gate'; closed: boolean }
  | { type: 'uplink.send'; message: JsonObject; ref: string | null }
  /** What a conversation begins with, in the place of one that waits. */
  | { type: 'uplink.seed'; message: JsonObject }
  | { type: 'uplink.answer'; key: number | null; again?: number; final: boolean; unasked?: boolean; message: JsonObject }
  | { type: 'uplink.withdraw'; key: number }
  /** It is to say that it has obeyed all that came before, and to write nothing more until it is opened anew, or ended. */
  | { type: 'uplink.settle' }
  | { type: 'uplink.end' };
