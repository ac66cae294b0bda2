/** What an interaction is given, what it is told, what it tells. */
import type { Backoff } from '../backoff.js';
import type { StreamCancellation, StreamEnd, StreamFailure, StreamSummary } from '../stream/outcome.js';
import type { ExitReason } from '../supervision/exit.js';

/** Deadlines, and how it goes on. Address, body and credentials stay with its actors: no event, error or snapshot of it holds them. */
export interface InteractionInput {
  /** `create`: it is asked for. `resume`: its events, behind `lastEventId` or from its start. `poll`: only its status, until it is over. */
  readonly start: 'create' | 'resume' | 'poll';
  /** Null where it is yet to be created. */
  readonly id: string | null;
  readonly lastEventId: string | null;
  /** From the start to the end, over all requests, ms. */
  readonly totalMs: number;
  /** Between two questions for its status, ms. */
  readonly pollMs: number;
  /** How often in a row it goes on after a failure, without any news between; 0 for never. */
  readonly maxAttempts: number;
  /** A server that asks for a longer wait than this is not waited for, ms. */
  readonly maxRetryAfterMs: number;
  readonly backoff: Backoff;
  /** Does each request for events need a permit? */
  readonly isBehindGate: boolean;
}

/** What is asked for next: its creation, its events behind the last that has an id, its events from the start, its status. */
export type InteractionAsk = 'create' | 'resume' | 'replay' | 'poll';

/** How far it has come. */
export interface Cursor {
  /** As the server calls it; null while it is not known, and of one that the server does not store. */
  readonly id: string | null;
  /** Of the last event that had one. */
  readonly lastEventId: string | null;
  /** Events so far, without those that came twice. */
  readonly eventCount: number;
  /** Is every event known by its id, so that all of them could be sent again and none be taken for new? */
  readonly canReplay: boolean;
}

/** Why a request came to nothing. */
export interface Breach {
  readonly failure: StreamFailure;
  /** May the same be asked again? */
  readonly isRetryable: boolean;
  /** What the request has left behind on the server: nothing, surely; perhaps something; or the server said what is wrong. */
  readonly trace: 'none' | 'unknown' | 'told';
}

/** What an interaction is told: by its requests, by its target, by the app and by a supervisor. */
export type InteractionEvent =
  /** The gate has let a request for events pass. */
  | { type: 'permit.granted' }
  /** The server has said what it is called: from here on it can be found again. */
  | { type: 'interaction.known'; id: string }
  /** The first new event of a request. */
  | { type: 'exchange.progressed' }
  /** The server has said that it is over, with this status of its own. */
  | { type: 'exchange.over'; status: string; cursor: Cursor }
  /** The server has refused the request, as far as its status and what came of its words say. */
  | { type: 'exchange.refused'; breach: Breach }
  /** The request ended before the interaction did. */
  | { type: 'exchange.broke'; breach: Breach; cursor: Cursor }
  | { type: 'poll.answered'; status: string; cursor: Cursor }
  | { type: 'poll.failed'; breach: Breach }
  | { type: 'delivery.began' }
  /** One of its own actors was ended by somebody else. */
  | { type: 'worker.lost'; worker: 'delivery' | 'exchange' | 'poll'; reason: string }
  | { type: 'target.gone'; reason: string }
  | { type: 'target.threw'; reason: string }
  | { type: 'stream.cancel'; by?: 'app' | 'signal'; reason?: string }
  /** The target is ready for so many events more; of a target that asked to be given no more than it wants. */
  | { type: 'stream.demand'; count: number }
  | { type: 'supervisor.shutdown'; reason?: ExitReason };

/** How an interaction that came to its end has ended. `running`: it was only created, and goes on in the background. */
export interface InteractionSummary extends StreamSummary {
  readonly interactionId: string | null;
  /** In the server's words. */
  readonly interactionStatus: string;
  readonly outcome: 'completed' | 'requiresAction' | 'requiresContinuation' | 'running';
}

/** What an interaction tells those who listen to it. The target's events come beside the chart. */
export type InteractionFact =
  | { type: 'interaction.known'; id: string }
  /** A request has failed; the next one begins `delayMs` from now. */
  | { type: 'interaction.retrying'; ask: InteractionAsk; attempt: number; delayMs: number; failure: StreamFailure }
  | StreamEnd;

/** What the actor `exchange` is given: one request for events. */
export interface ExchangeInput {
  readonly ask: InteractionAsk;
  readonly id: string | null;
  readonly lastEventId: string | null;
}

/** What the actor `poll` is given: one request for the status. */
export interface PollInput {
  readonly id: string | null;
}

/** What the actor `delivery` is told. */
export interface DeliveryCommand {
  readonly type: 'delivery.demand';
  readonly count: number;
}

/** What an interaction knows of itself. */
export interface InteractionContext extends InteractionInput {
  readonly ask: InteractionAsk;
  /** Is a creation under way of which nothing is known yet? */
  readonly isInDoubt: boolean;
  /** The refusal that is being read, as far as it came; null while there is none. */
  readonly refusal: StreamFailure | null;
  /** Failures in a row. */
  readonly attempt: number;
  /** Did its delivery begin in this life of it, or in an earlier one? */
  readonly hasBegun: boolean;
  /** The last one, while nothing good has come since. */
  readonly failure: StreamFailure | null;
  readonly cancellation: StreamCancellation | null;
  readonly summary: InteractionSummary | null;
  /** The reason that a supervisor asked it to end with. */
  readonly exit: ExitReason | null;
}
