/** What a tower does when nobody strikes it, or what it does to itself: together they come through every state, and hear every event. */
import type { AnyEventObject } from 'xstate';
import { exit } from '../../src/supervision/watch.js';
import type { Reply, Script } from './scripted-server.js';
import { key, type Place, type Play, type Step, type Story, type Tower } from './tower.js';
import { backoff, chat, feed, talk } from './workers.js';

// ---- what the server says

const events = (...payloads: readonly object[]): readonly string[] => payloads.map((payload) => `data: ${JSON.stringify(payload)}\n\n`);
const json = (value: object): Reply => ({ headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify(value)] });
const refused = (code: number): Reply => ({ ...json({ error: { code, message: 'no', status: 'NO' } }), status: code });

const inTurn =
  (...replies: readonly Reply[]): Script =>
  ({ nth }) =>
    replies[Math.min(nth, replies.length - 1)] ?? refused(500);

const numbered = (payload: object, id: string | null): object => (id === null ? payload : { ...payload, event_id: id });
const created = (id: string | null = null): object =>
  numbered({ event_type: 'interaction.created', interaction: { id: 'v1', status: 'in_progress' } }, id);
const status = (id: string | null = null): object =>
  numbered({ event_type: 'interaction.status_update', interaction_id: 'v1', status: 'in_progress' }, id);
const over = (how: string, id: string | null = null): object =>
  numbered({ event_type: 'interaction.completed', interaction: { id: 'v1', status: how } }, id);

const parts = (finishReason: string | null, ...all: readonly object[]): object => ({
  candidates: [{ content: { role: 'model', parts: all }, ...(finishReason === null ? {} : { finishReason }) }],
});
const call = (name: string): object => ({ functionCall: { name, args: {} } });
const answer: Reply = { pieces: events(parts(null, { text: 'Well, ' }), parts('STOP', { text: 'done.' })) };
const twoCalls: Reply = { pieces: events(parts(null, { text: 'Let me see.' }), parts('STOP', call('quick'), call('held'))) };
const longFeed: Reply = { pieces: ['data: one\n\n', 150, ': on\n', 150, ': on\n', 150, 'data: two\n\n'] };
const twoEvents: Reply = { pieces: ['data: one\n\n', 'id: 2\ndata: two\n\n'] };

const byHost =
  (hosts: Readonly<Record<string, Script>>): Script =>
  (question) =>
    hosts[new URL(question.url).hostname.split('.')[0] ?? '']?.(question) ?? refused(404);

const createThen =
  (create: Reply, ...later: readonly Reply[]): Script =>
  (question) =>
    question.method === 'POST' ? create : inTurn(...later)(question);

/** At the first step of an actor by this event. */
const at = (path: string, event: string, state = ''): Play['at'] => {
  return (step: Step) => step.path === path && step.event === event && step.states.some((one) => one.includes(state));
};
const does = (when: Play['at'], act: (tower: Tower) => void): Play => ({ at: when, act });
const kill =
  (path: string) =>
  (tower: Tower): void => {
    const actor = tower.find(path);
    if (actor !== undefined) exit(actor, 'kill');
  };

const send =
  (path: string, event: AnyEventObject) =>
  (tower: Tower): void =>
    tower.find(path)?.send(event);

// ---- the stories

const streams: readonly Story[] = [
  { name: 'a stream that is refused once, and read to its end', workers: { feed }, server: inTurn(refused(503), twoEvents) },
  { name: 'a stream that is not answered at first', workers: { feed }, server: inTurn({ isMute: true, last: 'silence' }, twoEvents) },
  { name: 'a stream that is refused for good', workers: { feed }, server: inTurn(refused(404)) },
  {
    name: 'a stream that is silent, and then says nothing more',
    workers: { feed },
    server: inTurn({ pieces: [150, 'data: one\n\n', 100, 'data: two\n\n'], last: 'silence' }),
  },
  {
    name: 'a stream that is read as its target asks for it',
    workers: { feed: (place) => feed(place, { demand: 'manual' }) },
    server: inTurn(twoEvents),
    plays: [does(at('app/work/feed', 'response.opened'), send('app/work/feed', { type: 'stream.demand', count: 1 }))],
    hears: (tower, { type }) => {
      if (type === 'stream.event') send('app/work/feed', { type: 'stream.demand', count: 1 })(tower);
    },
  },
  {
    name: 'a stream that its app cancels',
    workers: { feed },
    server: inTurn({ ...twoEvents, last: 'silence' }),
    plays: [does(at('app/work/feed', 'body.began'), send('app/work/feed', { type: 'stream.cancel' }))],
  },
  {
    name: 'a stream whose decoding throws',
    workers: {
      feed: (place) => feed(place, { target: throwing(place) }),
    },
    server: inTurn(twoEvents),
  },
  {
    name: 'a stream that loses its request',
    workers: { feed },
    server: inTurn({ ...twoEvents, last: 'silence' }),
    plays: [does(at('app/work/feed', 'body.began'), kill('app/work/feed/request'))],
  },
  {
    name: 'a stream that loses its target',
    workers: { feed },
    server: inTurn({ ...twoEvents, last: 'silence' }),
    plays: [does(at('app/work/feed', 'body.began'), (tower) => tower.endTarget((target) => exit(target, 'kill')))],
  },
  {
    name: 'a stream whose supervisor ends it',
    workers: { feed },
    server: inTurn({ ...twoEvents, last: 'silence' }),
    plays: [does(at('app/work/feed', 'body.began'), send('app/work/feed', { type: 'supervisor.shutdown' }))],
  },
];

/** A callback that throws at the first event, and passes on the end. */
function throwing({ target }: Place) {
  return (message: { readonly type: string }): void => {
    if (message.type === 'stream.event') throw new Error('not this');
    target.send(message);
  };
}

const talks: readonly Story[] = [
  {
    name: 'an interaction that breaks without ids, and is asked for until it is over',
    workers: { talk },
    server: createThen(
      { pieces: events(created(), status()), last: 'break' },
      json({ id: 'v1', status: 'in_progress' }),
      refused(503),
      json({ id: 'v1', status: 'completed' }),
    ),
  },
  {
    name: 'an interaction that breaks, and goes on behind its last event',
    workers: { talk },
    server: createThen(
      { pieces: events(created('e1'), status('e2')), last: 'break' },
      { pieces: events(status('e2'), status('e3')), last: 'end' },
      { pieces: events(over('completed', 'e4')), last: 'silence' },
    ),
  },
  {
    name: 'an interaction that wants an action',
    workers: { talk },
    server: createThen({ pieces: events(created('e1'), over('requires_action', 'e2')) }),
  },
  { name: 'an interaction that fails', workers: { talk }, server: createThen({ pieces: events(created('e1'), over('failed', 'e2')) }) },
  { name: 'an interaction whose creation breaks', workers: { talk }, server: createThen({ isMute: true, last: 'break' }) },
  { name: 'an interaction that is refused', workers: { talk }, server: createThen(refused(400)) },
  {
    name: 'an interaction that is cancelled elsewhere',
    workers: { talk },
    server: createThen({ pieces: events(created('e1'), over('cancelled', 'e2')) }),
  },
  {
    name: 'an interaction that loses its request',
    workers: { talk },
    server: createThen({ pieces: events(created('e1')), last: 'silence' }),
    plays: [does(at('app/work/talk', 'exchange.progressed'), kill('app/work/talk/exchange'))],
  },
  {
    name: 'an interaction that loses its target',
    workers: { talk },
    server: createThen({ pieces: events(created('e1')), last: 'silence' }),
    plays: [does(at('app/work/talk', 'exchange.progressed'), (tower) => tower.endTarget((target) => exit(target, 'kill')))],
  },
  {
    name: 'an interaction whose target throws',
    workers: { talk: (place) => talk(place, { target: throwing(place) }) },
    server: createThen({ pieces: events(created('e1')), last: 'silence' }),
  },
  {
    name: 'an interaction that is read as its target asks for it, and is cancelled',
    workers: { talk: (place) => talk(place, { demand: 'manual' }) },
    server: createThen({ pieces: events(created('e1'), status('e2')), last: 'silence' }),
    plays: [
      does(at('app/work/talk', 'delivery.began'), send('app/work/talk', { type: 'stream.demand', count: 1 })),
      does(at('app/work/talk', 'exchange.progressed'), send('app/work/talk', { type: 'stream.cancel' })),
    ],
  },
  {
    name: 'an interaction whose supervisor ends it',
    workers: { talk },
    server: createThen({ pieces: events(created('e1')), last: 'silence' }),
    plays: [does(at('app/work/talk', 'exchange.progressed'), send('app/work/talk', { type: 'supervisor.shutdown' }))],
  },
];

const chats: readonly Story[] = [
  { name: 'a conversation with two tools, one of which is too late', workers: { chat }, server: inTurn(twoCalls, answer) },
  {
    name: 'a conversation whose model is refused',
    workers: { chat },
    server: inTurn(refused(400)),
  },
  {
    name: 'a conversation of which a call is cancelled and another is lost',
    workers: { chat },
    server: inTurn(twoCalls, answer),
    plays: [
      does(at('app/work/chat/round/execution.0', 'execution.began'), kill('app/work/chat/round/execution.0')),
      does(at('app/work/chat/round/execution.1', 'execution.began'), send('app/work/chat', { type: 'call.cancel', index: 1, reason: '' })),
    ],
  },
  {
    name: 'a conversation whose turn takes too long',
    workers: { chat: (place) => chat(place, { turnMs: 80 }) },
    server: inTurn(twoCalls, answer),
  },
  {
    name: 'a conversation that loses what its tools run on',
    workers: { chat },
    server: inTurn(twoCalls, answer),
    plays: [does(at('app/work/chat/round/execution.0', 'execution.began'), kill('app/work/chat/tools/tasks'))],
  },
  {
    name: 'a conversation that loses its model',
    workers: { chat },
    server: inTurn(twoCalls, answer),
    plays: [does(at('app/work/chat', 'turn.began'), kill('app/work/chat/turn'))],
  },
  {
    name: 'a conversation that is cancelled',
    workers: { chat },
    server: inTurn(twoCalls, answer),
    plays: [does(at('app/work/chat', 'turn.ended'), (tower) => tower.abort())],
  },
  {
    name: 'a conversation whose supervisor ends it',
    workers: { chat },
    server: inTurn(twoCalls, answer),
    plays: [does(at('app/work/chat', 'turn.began'), send('app/work/chat', { type: 'supervisor.shutdown' }))],
  },
];

const gates: readonly Story[] = [
  {
    name: 'a gate that drains while a stream is read',
    workers: { feed },
    server: inTurn(twoEvents),
    plays: [does(at('app/work/feed', 'body.began'), (tower) => void tower.gate.drain())],
  },
  {
    name: 'a gate that is closed while a stream is read',
    workers: { feed },
    server: inTurn(twoEvents),
    plays: [does(at('app/work/feed', 'body.began'), (tower) => void tower.gate.close())],
  },
  {
    name: 'a gate that loses its permits',
    workers: { feed },
    server: inTurn(twoEvents),
    plays: [does(at('app/work/feed', 'body.began'), kill('app/models/permits'))],
  },
  {
    name: 'a gate that loses its watchers',
    workers: { feed },
    server: inTurn(twoEvents),
    plays: [does(at('app/work/feed', 'body.began'), kill('app/models/watchers'))],
  },
  {
    name: 'a gate whose level moves, is set, and is forgotten',
    workers: { feed: (place) => feed(place, { retry: { attempts: 3, backoff } }) },
    gate: { permits: 2, adaptive: { ceiling: 3 }, maxKeys: 1 },
    server: inTurn(refused(429), refused(503), twoEvents),
    plays: [
      does(at('app/models', 'key.rateLimited'), (tower) => void tower.gate.setLimit(key, 1)),
      does(at('app/models', 'key.succeeded'), ({ gate }) => {
        const other = gate.tryAcquire({ key: 'another' });
        if (other.ok) other.permit.release();
      }),
    ],
  },
  {
    name: 'a gate with one permit, for which one waits',
    workers: { feed, talk },
    gate: { permits: 1 },
    server: byHost({
      feed: inTurn({ pieces: ['data: one\n\n', 60, 'data: two\n\n'] }),
      talk: createThen({ pieces: events(created('e1'), over('completed', 'e2')) }),
    }),
  },
  {
    name: 'a gate with one permit, for which a conversation waits',
    workers: { feed, chat },
    gate: { permits: 1 },
    server: byHost({ feed: inTurn({ pieces: ['data: one\n\n', 60, 'data: two\n\n'] }), chat: inTurn(answer) }),
  },
  {
    name: 'a gate with one permit, for which a conversation waits too long',
    workers: { feed, chat },
    gate: { permits: 1 },
    server: byHost({ feed: inTurn(longFeed), chat: inTurn(answer) }),
  },
  {
    name: 'a gate with one permit, for which an interaction waits too long',
    workers: { feed, talk },
    gate: { permits: 1 },
    server: byHost({ feed: inTurn(longFeed) }),
  },
  {
    name: 'a gate with one permit, for which a stream waits',
    workers: { talk, feed },
    gate: { permits: 1 },
    server: byHost({
      talk: createThen({ pieces: [...events(created('e1')), 60, ...events(over('completed', 'e2'))] }),
      feed: inTurn(twoEvents),
    }),
  },
  {
    name: 'a gate with one permit, for which a stream waits too long',
    workers: { talk, feed },
    gate: { permits: 1 },
    server: byHost({
      talk: createThen({ pieces: [...events(created('e1')), 150, ': on\n', 150, ': on\n', 150, ...events(over('completed', 'e2'))] }),
    }),
  },
  {
    name: 'a gate that is closed while a stream and an interaction wait',
    workers: { chat, feed, talk },
    gate: { permits: 1 },
    server: byHost({ chat: inTurn(answer) }),
    plays: [does(at('app/work/talk', 'delivery.began', 'atGate'), (tower) => void tower.gate.close())],
  },
  {
    name: 'a gate that lets nobody wait',
    workers: { chat, feed, talk },
    gate: { permits: 1, maxWaiting: 0 },
    server: byHost({ chat: inTurn(answer) }),
  },
];

/** Everybody at once, in one tower: for faults by chance. */
export const together: Story = {
  name: 'everybody at once',
  workers: { feed, talk, chat },
  gate: { permits: 2, adaptive: { ceiling: 3 } },
  server: byHost({
    feed: inTurn(refused(503), { pieces: ['data: one\n\n', 30, 'data: two\n\n'] }),
    talk: createThen(
      { pieces: events(created('e1'), status('e2')), last: 'break' },
      { pieces: events(status('e2'), over('completed', 'e3')) },
      json({ id: 'v1', status: 'completed' }),
    ),
    chat: inTurn(twoCalls, answer),
  }),
};

export const stories: readonly Story[] = [...streams, ...talks, ...chats, ...gates];
