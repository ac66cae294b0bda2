/** The part of the front door that leads to comms: how agents are asked, told and answered. */
export type { BroadcastOutcome, CastOutcome, CastRefusal, PublishOutcome, SubscribeOutcome } from './comms/cast.js';
export { comms, type CommsLogic, type CommsRef } from './comms/comms.js';
export type { CommsCounts, CommsLoad } from './comms/counts.js';
export type { DeadLetter } from './comms/dead-letters.js';
export type { Agents as AgentDirectory } from './comms/directory.js';
export {
  type ChannelStatus,
  type Comms,
  commsHandle,
  type CommsStatus,
  createComms,
  type DeadLetterQuery,
} from './comms/handle.js';
export type { ChannelRef } from './comms/lane.js';
export type { DeliveryOutcome, Letter, RedeliveryOutcome } from './comms/message.js';
export type { AskOptions, BroadcastOptions, BroadcastStrategy, ChannelOptions, CommsOptions, MailboxPolicy, NotifyOptions } from './comms/options.js';
export type { RequestOptions, Requests } from './comms/port.js';
export { credit, type MessageScope, refuse, reply, respondent, type Respondent } from './comms/respondent.js';
export type { ChannelEmitted, ChannelEnd } from '../machines/comms/channel-events.js';
export type { CommsEmitted } from '../machines/comms/comms-events.js';
export type {
  AgentEvent,
  CommsCancelled,
  CommsCredit,
  CommsNotice,
  CommsReply,
  CommsRequest,
  CommsTopicEvent,
  MessageKind,
} from '../machines/comms/message.js';
export type { RequestOutcome, RequestRefusal } from '../machines/comms/request.js';
