/** Exactly one end, whatever happens to the stream, its actors, the wire and time; and a creation is never asked for twice in doubt. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';
import { interactions } from '../../src/interactions/client.js';
import type { InteractionStream } from '../../src/interactions/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, fact, Told, Wire } from '../stream/wire.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const key = 'secret+key/1';

class Scene {
  readonly clock = new VirtualClock();
  readonly wire = new Wire();
  readonly api = interactions({
    ...{ apiKey: key, fetch: this.wire.fetch, clock: this.clock, connectMs: 100, stallMs: 200, totalMs: 1_000, pollMs: 50 },
    retry: { attempts: 3, backoff: { minMs: 50, maxMs: 50, jitter: 0 } },
  });
}

const scenes: Scene[] = [];
const scene = (): Scene => {
  const made = new Scene();
  scenes.push(made);
  return made;
};

afterEach(() => {
  for (const { clock, wire } of scenes.splice(0)) {
    expect(clock.pending()).toBe(0);
    for (const { isCancelled } of wire.requests) expect(isCancelled).toBe(true);
  }
});

const sse = (payload: object): string => `data: ${JSON.stringify(payload)}\n\n`;
const created = (id = 'v1', eventId?: string): string =>
  sse({ event_type: 'interaction.created', interaction: { id, status: 'in_progress' }, ...(eventId === undefined ? {} : { event_id: eventId }) });
const completed = sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'completed' } });
const step = sse({ event_type: 'step.start', index: 0, step: { type: 'model_output' } }) + sse({ event_type: 'step.stop', index: 0 });
const done = 'event: done\ndata: [DONE]\n\n';

/** Lets what was answered be read, until the interaction tells that. */
const told = (stream: InteractionStream, type: string) => fact(stream.ref, type);

describe('a creation', () => {
  it.each([
    ['no headers come in time', ({ clock }: Scene) => clock.advanceBy(100), { kind: 'creationUnknown', code: 'timeout' }],
    ['the connection breaks', (_: Scene, asked: Asked) => asked.breaks(), { kind: 'creationUnknown', code: 'ECONNRESET' }],
    [
      'a proxy says 503, which may have come after it forwarded',
      (_: Scene, asked: Asked) => asked.answer(503).send('reset before headers').end(),
      { kind: 'creationUnknown', code: 503 },
    ],
    ['a gateway says 502', (_: Scene, asked: Asked) => asked.answer(502).send('bad').end(), { kind: 'creationUnknown', code: 502 }],
    ['the body ends at once', (_: Scene, asked: Asked) => asked.answer().end(), { kind: 'creationUnknown', code: 'truncated' }],
    ['it breaks before an id came', (_: Scene, asked: Asked) => asked.answer().send(': hello\n\n').breaks(), { kind: 'creationUnknown' }],
  ])('is never asked for again when %s: whether it happened is not known', async (_, play, failure) => {
    const here = scene();
    const outcome = here.api.stream(request).answer();
    play(here, await here.wire.next());
    expect(await outcome).toMatchObject({ ok: false, failure, partial: { id: null } });
    expect(here.wire.requests).toHaveLength(1);
  });

  it('is not known either when all its time has passed before an id came', async () => {
    const here = scene();
    const outcome = interactions({ fetch: here.wire.fetch, clock: here.clock, connectMs: 5_000, totalMs: 1_000 }).stream(request).answer();
    await here.wire.next();
    here.clock.advanceBy(1_000);
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'creationUnknown' } });
  });

  it.each([
    ['the connection is refused', (asked: Asked) => asked.breaks('ECONNREFUSED')],
    ['the quota is used up', (asked: Asked) => asked.answer(429, { 'content-type': 'application/json' }).send('{}').end()],
  ])('is asked for again when %s: nothing has happened', async (_, play) => {
    const here = scene();
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    const retrying = told(stream, 'interaction.retrying');
    play(await here.wire.next());
    expect(await retrying).toMatchObject({ ask: 'create', attempt: 1, delayMs: 50 });
    here.clock.advanceBy(50);
    (await here.wire.next()).answer().send(created() + completed);
    expect(await outcome).toMatchObject({ ok: true, answer: { id: 'v1' } });
    expect(here.wire.requests.map(({ init }) => init.method)).toEqual(['POST', 'POST']);
  });

  it('that is refused has failed as the server says, without the key', async () => {
    const here = scene();
    const outcome = here.api.stream(request).answer();
    const error = { code: 400, status: 'INVALID_ARGUMENT', message: `bad key ${key} ${encodeURIComponent(key)}` };
    (await here.wire.next()).answer(400).send(JSON.stringify({ error })).end();
    const ended = await outcome;
    expect(ended).toMatchObject({ ok: false, failure: { kind: 'refused', code: 400, status: 'INVALID_ARGUMENT' } });
    expect(JSON.stringify(ended)).not.toContain(key);
    expect(JSON.stringify(ended)).not.toContain(encodeURIComponent(key));
  });
});

describe('the events end', () => {
  it.each([
    ['by `[DONE]`', created('') + step + done, { ok: true, outcome: 'completed' }],
    ['by the last event, whatever stands behind it', created() + completed + sse({ event_type: 'late' }), { ok: true, answer: { id: 'v1' } }],
    ['by a last event that lacks its blank line', created() + completed.trimEnd(), { ok: true, outcome: 'completed' }],
    [
      'by a status of failure',
      created() + sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'budget_exceeded' } }),
      { ok: false, failure: { kind: 'finish', code: 'budget_exceeded' }, partial: { id: 'v1' } },
    ],
    [
      'by a status that nobody knows, which is no success',
      created() + sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'dreamt' } }),
      { ok: false, failure: { kind: 'finish', code: 'dreamt' } },
    ],
    [
      'because somebody cancelled it',
      created() + sse({ event_type: 'interaction.completed', interaction: { id: 'v1', status: 'cancelled' } }),
      { ok: false, failure: { kind: 'cancelled', code: 'server' } },
    ],
    [
      'by an error event, once',
      created() + sse({ event_type: 'error', error: { code: 'overloaded', message: `no ${key}` } }),
      { ok: false, failure: { kind: 'serverError', code: 'overloaded', message: 'no [hidden]' } },
    ],
    [
      'by an error that is bare JSON',
      `${created()}{\n  "error": {\n    "code": 499,\n    "status": "CANCELLED",\n    "message": "gone"\n  }\n}\n`,
      { ok: false, failure: { kind: 'serverError', code: 499, status: 'CANCELLED' } },
    ],
    ['by what is no JSON', `${created()}data: oh\n\n`, { ok: false, failure: { kind: 'malformed', code: 'notJson' } }],
  ])('%s', async (_, text, expected) => {
    const here = scene();
    const outcome = here.api.stream(request).answer();
    (await here.wire.next()).answer().send(text).end();
    expect(await outcome).toMatchObject(expected);
    expect(here.wire.requests).toHaveLength(1);
  });

  it('give up after as many attempts in a row as there are, and news count anew', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    const going: string[] = [];
    stream.ref.on('interaction.retrying', ({ ask, attempt }) => going.push(`${ask} ${attempt}`));
    const again = async (text: string): Promise<void> => {
      const retrying = told(stream, 'interaction.retrying');
      (await here.wire.next()).answer().send(text).end();
      await retrying;
      here.clock.advanceBy(50);
    };
    await again(created('v1', 'e1'));
    await again(created('v1', 'e1')); // came already: no news
    await again(sse({ event_type: 'interaction.status_update', status: 'in_progress', event_id: 'e2' }));
    await again('');
    (await here.wire.next()).answer().end();
    expect(await outcome).toMatchObject({ ok: false, failure: { kind: 'truncated' }, partial: { id: 'v1', lastEventId: 'e2' } });
    expect(going).toEqual(['resume 1', 'resume 2', 'resume 1', 'resume 2']);
    expect(here.wire.requests.at(-1)?.url).toContain('/interactions/v1?stream=true&last_event_id=e2');
  });

  it('take the id of the server-sent event for one that lacks its own', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    const retrying = told(stream, 'interaction.retrying');
    (await here.wire.next()).answer().send(`id: s7\n${created()}`).end();
    await retrying;
    here.clock.advanceBy(50);
    const asked = await here.wire.next();
    expect(asked.url).toContain('last_event_id=s7');
    asked.answer().send(completed);
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('of silence: a stream that stalls is gone on with', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const outcome = stream.answer();
    const asked = (await here.wire.next()).answer();
    const known = told(stream, 'interaction.known');
    asked.send(created('v1', 'e1'));
    await known;
    await asked.wanted();
    const retrying = told(stream, 'interaction.retrying');
    here.clock.advanceBy(200);
    await retrying;
    here.clock.advanceBy(50);
    (await here.wire.next()).answer().send(completed);
    expect(await outcome).toMatchObject({ ok: true });
  });
});

const phases = ['asking', 'streaming', 'backingOff', 'polling', 'pausing'] as const;
const child = (stream: AnyActorRef, id: string): AnyActorRef | undefined => childrenOf(stream).find((one) => one.id === id);
const faults: Readonly<Record<string, readonly [(stream: AnyActorRef, root: AnyActorRef, here: Scene) => void, string]>> = {
  'its actor is killed': [(stream) => exit(stream, 'kill'), 'stream.failed'],
  'its request is killed': [(stream) => exit((child(stream, 'exchange') ?? child(stream, 'poll')) as AnyActorRef, 'kill'), 'stream.failed'],
  'its delivery is killed': [(stream) => exit(child(stream, 'delivery') as AnyActorRef, 'kill'), 'stream.failed'],
  'the whole tree is stopped': [(_, root) => root.stop(), 'stream.cancelled'],
  'the app cancels it': [(stream) => stream.send({ type: 'stream.cancel' }), 'stream.cancelled'],
  'a supervisor shuts it down': [(stream) => stream.send({ type: 'supervisor.shutdown' }), 'stream.cancelled'],
  'all its time has passed': [(_, __, { clock }) => clock.advanceBy(1_000), 'stream.failed'],
};

describe('an interaction in a tree tells its target exactly one end, and asks for nothing more', () => {
  const matrix = phases.flatMap((phase) => Object.entries(faults).map(([fault, [play, end]]) => ({ phase, fault, play, end })));
  const hasRequest = (phase: string): boolean => !['backingOff', 'pausing'].includes(phase);
  it.each(matrix.filter(({ fault, phase }) => hasRequest(phase) || !fault.startsWith('its request')))(
    'when $fault while it is $phase',
    async ({ end, phase, play }) => {
      const here = scene();
      const heard = new Told();
      const target = heard.actor();
      const parent = setup({ actors: { talk: here.api.logic(request, { target }) } }).createMachine({
        id: 'parent',
        invoke: { id: 'talk', src: 'talk', onError: {} },
      });
      const root = createActor(parent, { clock: here.clock }).start();
      const [stream] = childrenOf(root) as [AnyActorRef];
      await reach(phase, here, stream, heard);
      play(stream, root, here);
      await heard.heard('end');
      expect(heard.ends.map(({ type }) => type)).toEqual([end]);
      expect(heard.messages.at(-1)).toMatchObject({ type: end, streamId: 'talk' });
      root.stop();
      target.stop();
    },
  );
});

async function reach(phase: (typeof phases)[number], here: Scene, stream: AnyActorRef, heard: Told): Promise<void> {
  const asked = await here.wire.next();
  if (phase === 'asking') return;
  asked.answer().send(created());
  await heard.heard('stream.event');
  if (phase === 'streaming') return;
  const retrying = fact(stream, 'interaction.retrying');
  asked.breaks();
  await retrying;
  if (phase === 'backingOff') return;
  here.clock.advanceBy(50);
  const polled = await here.wire.next();
  if (phase === 'polling') return;
  const pausing = new Promise<void>((resolve) => {
    const watch = stream.subscribe((snapshot: { value: unknown }) => {
      if (!JSON.stringify(snapshot.value).includes('pausing')) return;
      watch.unsubscribe();
      resolve();
    });
  });
  polled.answer(200, { 'content-type': 'application/json' }).send('{"id":"v1","status":"in_progress"}').end();
  await pausing;
}

describe('an interaction is read', () => {
  it('by nobody: then nothing is asked for, and nothing is left', () => {
    const here = scene();
    const stream = here.api.stream(request);
    expect(here.wire.requests).toEqual([]);
    expect(stream.id).toBeNull();
  });

  it('once: a second loop is refused, in words', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    (await here.wire.next()).answer().send(created() + completed);
    expect(await first).toMatchObject({ value: { type: 'interaction.created' } });
    expect(() => stream[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'interactions/already-read' }));
    expect(await stream.answer()).toMatchObject({ ok: true });
    expect(await stream.ended()).toMatchObject({ ok: true });
  });

  it('elsewhere than where it was made, to the last event', async () => {
    const here = scene();
    const elsewhere = async (stream: InteractionStream): Promise<string[]> => {
      const types: string[] = [];
      for await (const { type } of stream) types.push(type);
      return types;
    };
    const reading = elsewhere(here.api.stream(request));
    (await here.wire.next()).answer().send(created() + completed);
    expect(await reading).toEqual(['interaction.created', 'interaction.completed', 'answer']);
  });

  it('until its loop is left: the request is aborted', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const reading = (async () => {
      for await (const { type } of stream) return type;
      return null;
    })();
    (await here.wire.next()).answer().send(created());
    expect(await reading).toBe('interaction.created');
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'app' }, partial: { id: 'v1' } });
  });

  it('no faster than its loop: what is not wanted stays in the socket', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    const asked = (await here.wire.next()).answer();
    asked.send(created());
    await first;
    const { readCount } = asked;
    here.clock.advanceBy(500); // no silence of the server's
    expect(asked.readCount).toBe(readCount);
    const second = loop.next();
    await asked.wanted();
    asked.send(completed);
    expect(await second).toMatchObject({ value: { type: 'interaction.completed' } });
    await stream.cancel();
  });

  it('not at all by a signal that was aborted before', async () => {
    const here = scene();
    const outcome = await here.api.stream(request, { signal: AbortSignal.abort('enough') }).answer();
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'signal' } });
    expect(here.wire.requests).toEqual([]);
  });

  it('not at all when it is cancelled first, and cancelled twice is once', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    expect(await Promise.all([stream.cancel('no'), stream.cancel()])).toMatchObject([
      { failure: { kind: 'cancelled', message: 'no' } },
      { ok: false },
    ]);
    expect(here.wire.requests).toEqual([]);
  });

  it('a loop over one that fails throws after the last event, and `ended()` tells the same', async () => {
    const here = scene();
    const stream = here.api.stream(request);
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of stream) types.push(type);
    })();
    (await here.wire.next()).answer().send(created() + sse({ event_type: 'error', error: { code: 500, message: 'oh' } }));
    await expect(reading).rejects.toMatchObject({ code: 'stream/ended', details: { kind: 'serverError', code: 500 } });
    expect(types).toEqual(['interaction.created']);
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'serverError', code: 500 } });
  });
});

describe('restored from a snapshot', () => {
  it('an interaction has failed, and creates nothing a second time', async () => {
    const here = scene();
    const logic = here.api.logic(request, { target: () => undefined });
    const ref = createActor(logic, { clock: here.clock }).start();
    const known = fact(ref, 'interaction.known');
    (await here.wire.next()).answer().send(created('v1', 'e1'));
    await known;
    const snapshot = JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as never;
    ref.stop();
    const again = createActor(logic, { clock: here.clock, snapshot });
    const failed = new Promise((resolve) => again.subscribe({ complete: () => resolve(again.getSnapshot().output) }));
    again.start();
    expect(await failed).toMatchObject({ end: { type: 'stream.failed', failure: { kind: 'interrupted' } } });
    expect(JSON.stringify(snapshot)).not.toContain(key);
    expect(here.wire.requests).toHaveLength(1);
  });
});
