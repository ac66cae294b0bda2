/** What the chart of comms is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';
import type { MessageKind } from './message.js';
import type { RequestRefusal } from './request.js';

/** What comms may be told. What is sent to agents passes the chart by. */
export type CommsEvent =
  /** Nothing is taken any more; who waits is answered `closed`. */
  | { readonly type: 'comms.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `exchange`: it was ended, by nobody's order here, and all mailboxes with it. */
  | { readonly type: 'exchange.ended' };

/** What comms emit. `agent`: by name; `from`: who has sent it, by name, null where that was not said. */
export type CommsEmitted =
  /** One who asked has heard; `outcome`: `ok`, or why there is no value. */
  | {
      readonly type: 'comms.answered';
      readonly agent: string;
      readonly from: string | null;
      readonly outcome: 'ok' | RequestRefusal;
      readonly tookMs: number;
    }
  | {
      readonly type: 'comms.refused';
      readonly agent: string;
      readonly from: string | null;
      readonly kind: MessageKind;
      readonly reason: RequestRefusal | 'notAll';
    }
  | { readonly type: 'comms.replyDropped'; readonly ref: string }
  | { readonly type: 'comms.published'; readonly topic: string; readonly from: string | null; readonly taken: number; readonly refused: number }
  | { readonly type: 'comms.subscribed'; readonly topic: string; readonly agent: string }
  | { readonly type: 'comms.unsubscribed'; readonly topic: string; readonly agent: string; readonly because: 'asked' | 'gone' }
  | { readonly type: 'comms.deadLetter'; readonly id: string; readonly agent: string; readonly kind: MessageKind; readonly why: RequestRefusal };

/** What the chart of comms knows: mailboxes are kept beside it, since actors and promises are no JSON. */
export interface CommsContext {
  readonly reason: ExitReason;
}
