/** The seam by which streams, interactions and sessions are put behind a gate. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromCallback, fromPromise } from 'xstate';
import { type BehindGate, passGate, reportOf, requireBehindGate } from '../../src/gate/behind.js';
import { gate as gateLogic } from '../../src/gate/gate.js';
import { type Gate, gateHandle } from '../../src/gate/handle.js';
import { interactions } from '../../src/interactions/client.js';
import { connectLive } from '../../src/live/connect.js';
import { streamGenerateContent } from '../../src/stream/generate.js';
import { httpStream, openStream } from '../../src/stream/http-stream.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { converse } from '../../src/tools/converse.js';
import { generateModel } from '../../src/tools/generate-model.js';
import { ScriptedModel } from '../tools/scripted-model.js';
import { actor, gateWorld, leaveNothing, settle } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

describe('what a failure is to its gate', () => {
  it.each([
    ['a refusal by 429, whatever its body says', { code: 8, httpStatus: 429 }, 'rateLimited'],
    ['a refusal by another status, whatever its body says', { code: 429, httpStatus: 503 }, 'failed'],
    ['an error in mid-stream, by its code', { code: 429 }, 'rateLimited'],
    ['the same by its status', { code: 8, status: 'RESOURCE_EXHAUSTED' }, 'rateLimited'],
    ['the same by a word', { code: 'rate_limit_exceeded' }, 'rateLimited'],
    ['another error in mid-stream', { code: 500, status: 'INTERNAL' }, 'failed'],
  ])('is %s', (_, failure, outcome) => {
    expect(reportOf(failure)).toEqual({ outcome });
    expect(reportOf({ ...failure, retryAfterMs: 5 })).toEqual({ outcome, retryAfterMs: 5 });
  });
});

describe('whoever passes a gate', () => {
  it('without one passes at once', async () => {
    const passage = await passGate(undefined, {});
    expect(passage).toMatchObject({ ok: true, lost: undefined });
    if (passage.ok) passage.leave({ outcome: 'ok' });
  });

  it('leaves with what became of his call, once', async () => {
    const { gate } = gateWorld({ permits: 2, adaptive: true });
    const passage = await passGate({ gate, key }, { holder: actor() });
    if (!passage.ok) throw new Error(passage.reason);
    passage.leave({ outcome: 'rateLimited' });
    passage.leave({ outcome: 'rateLimited' });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 1 });
  });

  it('waits as long as was said, and is told why he was refused', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    await passGate({ gate: () => gate, key }, {});
    expect(await passGate({ gate, key, waitMs: 0 }, {})).toMatchObject({ ok: false, reason: 'busy' });
    const waiting = passGate({ gate, key, waitMs: 50 }, {});
    await settle();
    clock.advanceBy(50);
    expect(await waiting).toMatchObject({ ok: false, reason: 'timeout' });
  });

  it('need not leave by himself: his end returns the permit, and the loss of the permit is told', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const holder = actor();
    const passage = await passGate({ gate, key, leaseMs: 100 }, { holder });
    exit(holder, 'kill');
    expect(gate.status(key)?.held).toBe(0);
    const leased = await passGate({ gate, key, leaseMs: 100 }, { holder: actor() });
    clock.advanceBy(100);
    expect([passage.ok && passage.lost?.reason, leased.ok && leased.lost?.reason]).toEqual(['holderEnded', 'expired']);
  });

  it('is refused an option that is none, before anything starts', async () => {
    const { gate } = gateWorld();
    for (const option of [
      { key },
      { gate: {}, key },
      { gate, key: '' },
      { gate, key, waitMs: -1 },
      { gate, key, wait: 1 },
      { gate, key, tokens: -1 },
    ]) {
      expect(() => requireBehindGate(option as never)).toThrow(expect.objectContaining({ code: 'gate/invalid-options' }));
      await expect(passGate(option as never, {})).rejects.toMatchObject({ code: 'gate/invalid-options' });
    }
    requireBehindGate(undefined);
  });
});

describe('the option `gate`', () => {
  const request = { contents: [{ parts: [{ text: 'Hi' }] }] };
  const starts: Readonly<Record<string, (gate: BehindGate) => unknown>> = {
    httpStream: (gate) => httpStream({ url: 'http://feed.test/', gate }),
    streamGenerateContent: (gate) => streamGenerateContent({ model: 'm', request, gate }),
    interactions: (gate) => interactions({ apiKey: 'k', gate }),
    'the call of an interaction': (gate) => interactions({ apiKey: 'k' }).stream({ model: 'm', input: 'Hi' }, { gate }),
    connectLive: (gate) => connectLive({ apiKey: 'k', model: 'm', gate }),
    converse: (gate) => converse({ model: generateModel({ apiKey: 'k', model: 'm' }), input: 'Hi', gate }),
  };

  it.each(Object.keys(starts))('is refused by its whole path before anything starts: %s', async (name) => {
    const { gate } = gateWorld();
    const refusalOf = async (option: object): Promise<string> => {
      const thrown = await (async () => starts[name]?.(option as BehindGate))().then(
        () => null,
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code: 'gate/invalid-options' });
      return (thrown as Error).message;
    };
    const known = 'gate with the keys gate, key, waitMs, tokens, leaseMs';
    expect(await refusalOf({ gate, key, foo: 1 })).toBe(`gate/invalid-options: expected ${known}, got: "gate.foo"`);
    expect(await refusalOf({ gate, key: '' })).toContain('expected gate.key: ');
    expect(await refusalOf({ gate, key, waitMs: -1 })).toContain('expected gate.waitMs: ');
    expect(gate.status(key)).toBe(null);
  });
});

describe("a gate of the app's own", () => {
  const wrong: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error('no way back');
    },
    rejects: () => Promise.reject(new Error('no way back')),
  };

  /** A gate that lets everybody pass, and takes no permit back. */
  function oneWay(how: string): BehindGate {
    const permit = { lost: new AbortController().signal, release: wrong[how], again: wrong[how] };
    return { gate: { acquire: async () => ({ ok: true, permit }) } as unknown as Gate, key };
  }

  let printed: readonly unknown[][];
  beforeEach(() => {
    printed = vi.spyOn(console, 'error').mockReturnValue().mock.calls;
  });
  afterEach(() => void vi.restoreAllMocks());

  it.each(Object.keys(wrong))('whose permits cannot be given back, as it %s, is no harm to who is behind it, and is printed', async (how) => {
    const answer = async (): Promise<Response> => new Response('data: one\n\n', { headers: { 'content-type': 'text/event-stream' } });
    const stream = openStream({ url: 'http://feed.test/', fetch: answer, gate: oneWay(how) });
    expect(await stream.drain()).toMatchObject({ ok: true, summary: { eventCount: 1 } });
    const model = new ScriptedModel({ text: 'done' });
    const { ask } = model;
    model.ask = function (asked) {
      asked.retrying({ code: 503, status: '' });
      return Reflect.apply(ask, this, [asked]);
    };
    expect(await converse({ model, input: 'Hi', gate: oneWay(how) }).ended()).toMatchObject({ ok: true, text: 'done' });
    await settle();
    const back = "espalier: a gate's permit, given back, threw";
    expect(printed.map(([who]) => who)).toEqual([back, "espalier: a gate's permit, told of another attempt, threw", back]);
    expect(printed.every(([, error]) => (error as Error).message === 'no way back')).toBe(true);
  });

  it('is not blamed for a report that is none', async () => {
    const passage = await passGate(oneWay('throws'), {});
    if (!passage.ok) throw new Error(passage.reason);
    const misuse = expect.objectContaining({ code: 'gate/invalid-options' }) as Error;
    expect(() => passage.leave({ outcome: 'fine' } as never)).toThrow(misuse);
    expect(() => passage.again({ outcome: 'ok' } as never)).toThrow(misuse);
    expect(printed).toEqual([]);
  });
});

describe('a supervised gate', () => {
  it('is found again after its restart, and children behind it return what they held when they are killed', async () => {
    const clock = new VirtualClock();
    const worker = fromPromise(async ({ self, signal }) => {
      const passage = await passGate({ gate: () => gate, key }, { holder: self, signal });
      if (passage.ok) await new Promise(() => {});
    });
    const app = orchestrator({
      actors: { models: gateLogic({ permits: 1 }), worker, other: fromCallback(() => undefined) },
      children: [
        { id: 'models', src: 'models' },
        { id: 'worker', src: 'worker', restart: 'permanent' },
      ],
      strategy: 'oneForOne',
    }).start({ clock });
    const gate: Gate = gateHandle(() => app.child('models'));
    expect(await app.started()).toMatchObject({ ok: true });
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 1 });
    exit(app.child('worker') as never, 'kill');
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0 });
    const former = gate.ref;
    exit(former as never, 'kill');
    await settle();
    expect(gate.ref).not.toBe(former);
    expect(gate.tryAcquire({ key }).ok).toBe(true);
    await app.stop();
    expect(gate.tryAcquire({ key })).toMatchObject({ ok: false, reason: 'closed' });
    expect(clock.pending()).toBe(0);
  });
});
