/** The facts of whoever talks to a model, in words: streams, interactions, conversations, live sessions. */
import type { InteractionFact } from '../../machines/interactions/interaction-events.js';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import type { StreamFact } from '../../machines/stream/stream-events.js';
import type { ConversationEmitted } from '../tools/events.js';
import type { EventGroup, Rows } from './event-row.js';

const failure = 'what went wrong: kind, code, status, message';
const ends = {
  'stream.completed': { about: 'it was read to its end', level: 'debug', fields: { summary: 'status, events, the last id' } },
  'stream.failed': { about: 'it failed', level: 'warn', fields: { failure } },
  'stream.cancelled': { about: 'it was given up', level: 'info', fields: { cancellation: 'by whom, and why' } },
} as const;

const streamRows: Rows<StreamFact> = {
  'stream.opened': { about: 'the server answers', level: 'debug', fields: { status: 'of HTTP', attempt: 'which, from 1' } },
  'stream.retrying': {
    about: 'an attempt has failed; there is another',
    level: 'info',
    fields: { attempt: 'which failed', delayMs: 'until the next, ms', failure },
  },
  ...ends,
};

const interactionRows: Rows<InteractionFact> = {
  'interaction.known': { about: 'the server has named it', level: 'debug', fields: { id: 'its id' } },
  'interaction.retrying': {
    about: 'a request has failed; there is another',
    level: 'info',
    fields: { ask: 'for what', attempt: 'failures in a row', delayMs: 'until the next, ms', failure },
  },
  ...ends,
};

const turn = 'which, from 1';
const conversationRows: Rows<ConversationEmitted> = {
  'turn.started': { about: 'the model is asked', level: 'debug', fields: { turn } },
  'turn.ended': { about: "the model's part of a turn is whole", level: 'debug', fields: { turn, next: '`calls`, `continue` or `nothing`' } },
  'tool.called': {
    about: 'the model wants a call made',
    level: 'info',
    fields: { turn, call: 'index, id, name, arguments, deadline' },
    content: ['call'],
  },
  'tool.answered': {
    about: 'a call has its answer',
    level: 'info',
    fields: { turn, result: 'index, id, name, response, fault' },
    content: ['result'],
  },
  'conversation.answered': {
    about: 'the model has answered',
    level: 'info',
    fields: { text: 'of the answer', answer: 'as its client has it', turns: 'how many it took' },
    content: ['text', 'answer'],
  },
  'conversation.failed': { about: 'it failed', level: 'warn', fields: { failure, turns: 'how many there were' } },
  'conversation.cancelled': { about: 'it was given up', level: 'info', fields: { cancellation: 'by whom, and why', turns: 'how many there were' } },
  text: { about: 'a piece of text has come', level: 'debug', fields: { turn, text: 'the piece' }, content: ['text'] },
  thought: { about: 'a piece of a thought has come', level: 'debug', fields: { turn, text: 'the piece' }, content: ['text'] },
  callPart: {
    about: 'a piece of a call has come',
    level: 'debug',
    fields: { turn, key: 'the same for all of one call', name: 'of the tool', piece: 'as the wire has it' },
    content: ['piece'],
  },
  listenerThrew: { about: 'an abort listener of a tool threw', level: 'warn', fields: { turn, name: 'of the tool', reason: 'what it threw' } },
};

const ref = 'the one that it was sent with';
const id = 'of the call';
const name = 'of the tool';
const sessionRows: Rows<SessionEmitted> = {
  'session.ready': {
    about: 'the server has accepted a setup',
    level: 'info',
    fields: { sessionId: "the server's name of it", resumed: 'does the conversation go on?' },
  },
  'session.message': { about: 'a message of the server came', level: 'debug', fields: { message: 'as it was' }, content: ['message'] },
  'session.malformed': {
    about: 'a frame, or a part of one, could not be read',
    level: 'warn',
    fields: { reason: 'why', detail: 'more', excerpt: 'its beginning' },
    content: ['excerpt', 'detail'],
  },
  'session.sent': { about: "an app's message is written", level: 'debug', fields: { ref } },
  'session.queued': { about: "an app's message waits", level: 'debug', fields: { ref } },
  'session.rejected': { about: "an app's message was not taken", level: 'warn', fields: { ref, reason: 'why' } },
  'session.dropped': {
    about: 'messages of a lane were let go',
    level: 'warn',
    fields: { lane: 'which', count: 'how many', reason: '`oldest`, `gated` or `ended`', ref },
  },
  'session.gated': {
    about: 'the microphone is closed while a blocking call is open, or open again',
    level: 'debug',
    fields: { closed: 'is it closed?' },
  },
  'session.goAway': { about: 'the server will end this socket', level: 'info', fields: { timeLeftMs: 'in how many ms' } },
  // The handle opens the conversation to whoever has it.
  'session.resumable': { about: 'there is a handle to resume with', level: 'debug', fields: { handle: 'the handle' }, content: ['handle'] },
  'session.reconnecting': {
    about: 'the socket was lost',
    level: 'warn',
    fields: { attempt: 'which is next', delayMs: 'until then, ms', code: 'of the close', reason: 'of the close' },
  },
  'session.contextLost': {
    about: 'the conversation could not be resumed: a fresh one has begun',
    level: 'error',
    fields: { code: 'why', reason: 'why' },
  },
  'session.answersLost': { about: 'it was resumed, and some answers are no longer remembered', level: 'error', fields: { count: 'how many' } },
  'session.closed': { about: 'the session has ended in order', level: 'info', fields: { by: 'whom', code: 'of the close', reason: 'why' } },
  'session.failed': { about: 'the session has failed', level: 'error', fields: { kind: 'what went wrong', code: 'of the close', reason: 'why' } },
  'tool.called': { about: 'the model calls', level: 'info', fields: { id, name, args: 'what with' }, content: ['args'] },
  'tool.answered': { about: 'the answer is written', level: 'info', fields: { id, name, response: 'the answer' }, content: ['response'] },
  'tool.progressed': {
    about: 'a part of an answer is on its way',
    level: 'debug',
    fields: { id, name, response: 'the part' },
    content: ['response'],
  },
  'tool.repeated': { about: 'a call came that was delivered before', level: 'debug', fields: { id, name } },
  'tool.cancelled': { about: 'the server took the call back', level: 'info', fields: { id, name } },
  'tool.resent': { about: 'an answer was written again', level: 'info', fields: { id, name } },
  'tool.rejected': { about: 'an answer of the app was not taken', level: 'warn', fields: { id, reason: 'why' } },
  'tool.abandoned': {
    about: 'the session ended, or lost the conversation, before the answer was written',
    level: 'warn',
    fields: { id, name, reason: 'why' },
  },
  'tool.listenerThrew': { about: 'an abort listener of the tool threw', level: 'warn', fields: { id, name, reason: 'what it threw' } },
};

export const modelEvents: readonly EventGroup[] = [
  { title: 'Streams', from: 'their actor, `stream.ref`', machines: ['httpStream'], rows: streamRows },
  { title: 'Interactions', from: 'their actor, `stream.ref`', machines: ['interaction'], rows: interactionRows },
  { title: 'Conversations', from: 'their actor, `conversation.ref`; as events by iterating', machines: ['conversation'], rows: conversationRows },
  { title: 'Live sessions', from: '`session.on`', machines: ['liveSession'], rows: sessionRows },
];
