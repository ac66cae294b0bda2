/** What the chart of a channel is told and emits; what it is given and remembers. */

/** Input of the channel machine. */
export interface ChannelInput {
  /** To whom it leads, by name. */
  readonly agent: string;
}

/** Why a channel has ended: nobody used it, nobody goes by that name any more, or comms have ended. */
export type ChannelEnd = 'idle' | 'gone' | 'closed';

/** What a channel may be told. */
export type ChannelEvent =
  /** Somebody goes by the name, and takes so much at once. */
  | { readonly type: 'agent.came'; readonly credits: number }
  /** Nobody does now, and somebody is awaited. */
  | { readonly type: 'agent.left' }
  /** As much as it takes is out at the agent. */
  | { readonly type: 'credits.spent' }
  /** Less is. */
  | { readonly type: 'credits.given' }
  | { readonly type: 'channel.close'; readonly because: ChannelEnd };

/** What a channel emits. */
export type ChannelEmitted =
  | { readonly type: 'channel.flowing'; readonly agent: string }
  | { readonly type: 'channel.paused'; readonly agent: string }
  | { readonly type: 'channel.vacated'; readonly agent: string }
  | { readonly type: 'channel.closed'; readonly agent: string; readonly because: ChannelEnd };

/** What a channel's chart knows. */
export type ChannelContext = ChannelInput;
