/** Calls behind a gate: permit, call, reconciliation, and again where that is worthwhile. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { faultOf } from '../../src/gate/fault.js';
import type { CallScope, RunOutcome } from '../../src/gate/run.js';
import { streamGenerateContent } from '../../src/stream/generate.js';
import { StreamError } from '../../src/stream/stream-error.js';
import { exit } from '../../src/supervision/watch.js';
import { ConversationError } from '../../src/tools/converse.js';
import { actor, gateWorld, leaveNothing, permitOf, settle } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';
const limited = (retryAfterMs?: number) => ({ status: 429, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** A call that throws what it is told, one after the other, and then returns `done`. */
function calls(...errors: unknown[]) {
  const attempts: number[] = [];
  const fn = ({ attempt }: { readonly attempt: number }): string => {
    attempts.push(attempt);
    if (attempt <= errors.length) throw errors[attempt - 1];
    return 'done';
  };
  return { attempts, fn };
}

describe('a run', () => {
  it('has a permit for as long as its call takes, and says what came of it', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const held: unknown[] = [];
    const outcome = await gate.run(key, ({ permit, attempt }) => {
      held.push(permit.isHeld, attempt, gate.status(key)?.held);
      return 'done';
    });
    expect(outcome).toEqual({ ok: true, value: 'done', attempts: 1 });
    expect(held).toEqual([true, 1, 1]);
    expect(gate.status(key)?.held).toBe(0);
  });

  it('begins within the call, and where hundreds are within each other, the next of them on a later turn: none is lost', async () => {
    const { gate } = gateWorld({ permits: 'unlimited' });
    const runs: Promise<RunOutcome<void>>[] = [];
    let begun = 0;
    await new Promise<void>((resolve) => {
      const next = (): void => {
        if (++begun < 5_000) runs.push(gate.run(key, next));
        else resolve();
      };
      runs.push(gate.run(key, next));
      expect(begun).toBeGreaterThan(100);
    });
    expect((await Promise.all(runs)).filter(({ ok }) => !ok)).toEqual([]);
    expect([begun, gate.status(key)?.held]).toEqual([5_000, 0]);
  });

  it('never rejects for a call that fails: that is its outcome, and the permit is back', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const error = new Error('no');
    const odd = Object.defineProperty(Promise.resolve(), 'constructor', {
      get() {
        throw error;
      },
    });
    for (const fn of [
      () => odd,
      () => Promise.reject(error),
      (): never => {
        throw error;
      },
    ])
      expect(await gate.run(key, fn)).toEqual({ ok: false, reason: 'failed', attempts: 1, error, retryAfterMs: null });
    expect(gate.status(key)?.held).toBe(0);
  });

  it('reserves tokens and reconciles what the result says that it used', async () => {
    const { gate } = gateWorld({ rate: { tokens: 100 } });
    await gate.run(key, () => ({ total: 30 }), { tokens: 90, usage: ({ total }) => total });
    expect(gate.status(key)?.used).toEqual({ requests: 1, tokens: 30 });
    expect(await gate.run(key, () => 1, { tokens: 101 })).toMatchObject({ ok: false, reason: 'tooLarge', attempts: 0 });
  });
});

describe('a call that is answered 429', () => {
  it('is made again when the pause is over, without a permit meanwhile', async () => {
    const { gate, clock } = gateWorld({ permits: 4, adaptive: true });
    const { attempts, fn } = calls(limited(500));
    const outcome = gate.run(key, fn);
    await settle();
    expect([attempts, gate.status(key)]).toMatchObject([[1], { held: 0, permits: 2, pauseMs: 500 }]);
    clock.advanceBy(500);
    expect(await outcome).toEqual({ ok: true, value: 'done', attempts: 2 });
  });

  it('is made as often as was said, and no more', async () => {
    const { gate, clock } = gateWorld();
    const { attempts, fn } = calls(...Array.from({ length: 9 }, () => limited(10)));
    const outcome = gate.run(key, fn, { attempts: 3 });
    for (let n = 0; n < 5; n++) {
      await settle();
      clock.advanceBy(10);
    }
    expect(await outcome).toEqual({ ok: false, reason: 'rateLimited', attempts: 3, error: limited(10), retryAfterMs: 10 });
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('is not waited for where the wait would be longer than was said', async () => {
    const { gate } = gateWorld();
    const { fn } = calls(limited(5_000));
    expect(await gate.run(key, fn, { waitMs: 1_000 })).toMatchObject({ ok: false, reason: 'rateLimited', attempts: 1, retryAfterMs: 5_000 });
  });

  it('without a hint pauses by itself, longer each time', async () => {
    const { gate, clock } = gateWorld();
    const { attempts, fn } = calls(limited(), { status: 503 });
    const outcome = gate.run(key, fn, { backoff: { minMs: 100, jitter: 0 } });
    const made: number[] = [];
    for (const ms of [99, 1, 199, 1]) {
      await settle();
      clock.advanceBy(ms);
      await settle();
      made.push(attempts.length);
    }
    expect(made).toEqual([1, 2, 2, 3]);
    expect(await outcome).toMatchObject({ ok: true, attempts: 3 });
  });

  it('keeps another call, granted in the same moment, from going out', async () => {
    const { gate, clock } = gateWorld({ permits: 1, rate: { requests: 10 } });
    const made: string[] = [];
    const first = gate.run(
      key,
      () => {
        made.push('first');
        throw Object.assign(new Error('slow down'), limited(100));
      },
      { attempts: 1 },
    );
    const second = gate.run(key, () => made.push('second'));
    expect(await first).toMatchObject({ ok: false, reason: 'rateLimited' });
    await settle();
    expect(made).toEqual(['first']);
    clock.advanceBy(100);
    expect(await second).toMatchObject({ ok: true });
    expect(gate.status(key)?.used?.requests).toBe(2);
  });
});

describe('a run that is ended from outside', () => {
  const endings = {
    'its signal aborts': ['cancelled', ({ controller }) => controller.abort()],
    'its holder is killed': ['holderEnded', ({ holder }) => exit(holder, 'kill')],
    'its lease runs out': ['expired', ({ world }) => world.clock.advanceBy(1_000)],
    'the gate closes': ['closed', ({ world }) => void world.gate.close()],
    'the gate is killed': ['closed', ({ world }) => exit(world.gate.ref as never, 'kill')],
  } satisfies Record<
    string,
    [string, (given: { controller: AbortController; holder: ReturnType<typeof actor>; world: ReturnType<typeof gateWorld> }) => void]
  >;

  it.each(Object.entries(endings))('while it calls, because %s: hears it, and the call is told', async (_, [reason, end]) => {
    const world = gateWorld({ permits: 1 });
    const [controller, holder] = [new AbortController(), actor()];
    let told: AbortSignal | undefined;
    const run = world.gate.run(
      key,
      ({ signal }) => {
        told = signal;
        return new Promise(() => {});
      },
      { signal: controller.signal, holder, leaseMs: 1_000 },
    );
    await settle();
    end({ controller, holder, world });
    expect(await run).toEqual({ ok: false, reason, attempts: 1, retryAfterMs: null });
    expect(told?.aborted).toBe(true);
    expect(world.table.heldCount === 0 || world.table.isOver).toBe(true);
  });

  it.each(Object.entries(endings).filter(([name]) => name !== 'its lease runs out'))(
    'while it rests, because %s: hears it',
    async (_, [reason, end]) => {
      const world = gateWorld();
      const [controller, holder] = [new AbortController(), actor()];
      const run = world.gate.run(key, calls(limited(500)).fn, { signal: controller.signal, holder });
      await settle();
      end({ controller, holder, world });
      expect(await run).toMatchObject({ ok: false, reason, attempts: 1 });
      expect(world.clock.pending()).toBe(0);
    },
  );

  it.each(Object.entries(endings).filter(([name]) => name !== 'its lease runs out'))(
    'while it waits, because %s: hears it',
    async (_, [reason, end]) => {
      const world = gateWorld({ permits: 1 });
      permitOf(await world.gate.acquire({ key }));
      const [controller, holder] = [new AbortController(), actor()];
      const run = world.gate.run(key, () => 1, { signal: controller.signal, holder });
      await settle();
      end({ controller, holder, world });
      expect(await run).toMatchObject({ ok: false, reason, attempts: 0 });
    },
  );

  it('between the grant and its turn makes no call, and counts none', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const controller = new AbortController();
    const made: number[] = [];
    const run = gate.run(key, ({ attempt }) => made.push(attempt), { signal: controller.signal });
    permit.release();
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0 });
    controller.abort();
    expect(await run).toEqual({ ok: false, reason: 'cancelled', attempts: 0, retryAfterMs: null });
    expect([made, gate.status(key)?.held]).toEqual([[], 0]);
  });

  it('has no signal made for a call that does not look at it, and one that tells for a call that does so late', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const controller = new AbortController();
    const made = vi.spyOn(globalThis, 'AbortController');
    let scope: CallScope | undefined;
    const run = gate.run(key, (given) => new Promise<void>(() => (scope = given)), { signal: controller.signal });
    expect([gate.status(key)?.held, made.mock.calls.length]).toEqual([1, 0]);
    controller.abort();
    made.mockRestore();
    expect(await run).toMatchObject({ ok: false, reason: 'cancelled', attempts: 1 });
    expect([scope?.signal.aborted, scope?.signal.reason]).toEqual([true, 'aborted']);
  });

  it('is not moved by what its call does later', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const run = gate.run(key, () => new Promise((_, reject) => (fail = reject)), { signal: controller.signal });
    await settle();
    controller.abort();
    expect(await run).toMatchObject({ reason: 'cancelled' });
    fail(new Error('late'));
    await settle();
    expect(gate.status(key)?.held).toBe(0);
  });
});

it('is made before there is its promise, where a permit is free: who needs that begins a turn later', async () => {
  const { gate } = gateWorld();
  const early: Promise<RunOutcome<string>> = gate.run(key, () => typeof early);
  expect(await early).toMatchObject({ ok: false, reason: 'failed', error: expect.any(ReferenceError) as Error });
  const late: Promise<RunOutcome<string>> = gate.run(key, async () => {
    await Promise.resolve();
    return typeof late;
  });
  expect(await late).toMatchObject({ ok: true, value: 'object' });
});

describe('an attempt that the call makes by itself', () => {
  it('within its permit counts as a request, and its 429 slows the key down', async () => {
    const { gate } = gateWorld({ permits: 8, adaptive: true, rate: { requests: 10, tokens: 100 } });
    const outcome = await gate.run(
      key,
      ({ permit }) => [permit.again({ outcome: 'rateLimited', retryAfterMs: 50 }), permit.again({ outcome: 'rateLimited' }), permit.isHeld],
      { tokens: 10, usage: () => 30 },
    );
    expect(outcome).toMatchObject({ ok: true, value: [true, true, true] });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 50, used: { requests: 3, tokens: 30 } });
    const permit = permitOf(await gateWorld().gate.acquire({ key }));
    permit.release();
    expect(permit.again({ outcome: 'failed' })).toBe(false);
  });
});

describe('the reading of an error', () => {
  it.each([
    [{ status: 429 }, { kind: 'rateLimited' }],
    [
      { code: 'RESOURCE_EXHAUSTED', retryAfterMs: 7 },
      { kind: 'rateLimited', retryAfterMs: 7 },
    ],
    [{ status: 429, retryAfterMs: Number.NaN }, { kind: 'rateLimited' }],
    [{ status: 503 }, { kind: 'transient' }],
    [{ status: 400 }, { kind: 'failed' }],
    [null, { kind: 'failed' }],
    ['429', { kind: 'failed' }],
    [{ status: '429' }, { kind: 'rateLimited' }],
    [{ status: 529 }, { kind: 'transient' }],
    [{ status: 'INTERNAL' }, { kind: 'transient' }],
    [{ status: 'DEADLINE_EXCEEDED', code: 504 }, { kind: 'transient' }],
    [{ code: 'ECONNRESET' }, { kind: 'transient' }],
    [{ code: 'UND_ERR_HEADERS_TIMEOUT' }, { kind: 'transient' }],
    [{ code: 'ENOENT' }, { kind: 'failed' }],
    [{ message: 'deep', cause: { cause: { code: 'ETIMEDOUT' } } }, { kind: 'transient' }],
  ])('%j is %j', (error, fault) => {
    expect(faultOf(error)).toEqual(fault);
  });

  it('knows connections that failed and deadlines that passed, and an abortion as none of them', () => {
    const words = [
      Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
      new TypeError('Failed to fetch'),
      new TypeError('x is not a function'),
      new DOMException('late', 'TimeoutError'),
      new DOMException('enough', 'AbortError'),
      Object.assign(new Error('aborted'), { name: 'AbortError', cause: { code: 'ECONNRESET' } }),
    ].map((error) => faultOf(error).kind);
    expect(words).toEqual(['transient', 'transient', 'failed', 'transient', 'failed', 'failed']);
  });

  it("finds Google's RetryInfo, also in a message that is the body", () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.Help' }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }];
    const body = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details } };
    const told = { kind: 'rateLimited', retryAfterMs: 1_500 };
    expect(faultOf({ name: 'ApiError', status: 429, message: JSON.stringify(body) })).toEqual(told);
    expect(faultOf({ status: 429, message: `got status: 429. ${JSON.stringify(body)}` })).toEqual(told);
    expect(faultOf({ code: 429, details })).toEqual(told);
    expect(faultOf({ status: 429, message: '{ no JSON' })).toEqual({ kind: 'rateLimited' });
  });

  it('survives an error that cannot be read', () => {
    const odd = Object.defineProperty({}, 'status', {
      get: () => {
        throw new Error('no');
      },
    });
    const ring: { cause?: unknown } = {};
    ring.cause = { cause: ring };
    expect([faultOf(odd), faultOf(ring)]).toEqual([{ kind: 'failed' }, { kind: 'failed' }]);
  });

  it.each([
    [
      { kind: 'refused', code: 429, status: 'RESOURCE_EXHAUSTED', retryAfterMs: 100 },
      { kind: 'rateLimited', retryAfterMs: 100 },
    ],
    [{ kind: 'serverError', code: 503, status: 'UNAVAILABLE' }, { kind: 'transient' }],
    [{ kind: 'refused', code: 400, status: 'INVALID_ARGUMENT' }, { kind: 'failed' }],
    [{ kind: 'network', code: 'ECONNRESET', status: '' }, { kind: 'transient' }],
    [{ kind: 'connectTimeout', code: 'timeout', status: '' }, { kind: 'transient' }],
    [{ kind: 'stalled', code: 'timeout', status: '' }, { kind: 'transient' }],
    [{ kind: 'totalTimeout', code: 'timeout', status: '' }, { kind: 'transient' }],
    [{ kind: 'creationUnknown', code: 'ECONNRESET', status: '' }, { kind: 'failed' }],
    [{ kind: 'cancelled', code: 'app', status: '' }, { kind: 'failed' }],
  ] as const)('knows the errors of our own streams: %j', (failure, fault) => {
    expect(faultOf(new StreamError({ message: 'm', ...failure }))).toEqual(fault);
  });

  it('knows those of conversations, whose own deadline is none of the service', () => {
    const of = (kind: string, code: number | string) => faultOf(new ConversationError({ kind, code, status: '', message: 'm' } as never)).kind;
    expect([
      of('refused', 429),
      of('network', 'ECONNRESET'),
      of('totalTimeout', 'conversation'),
      of('turnTimeout', 'timeout'),
      of('gate', 'timeout'),
    ]).toEqual(['rateLimited', 'transient', 'failed', 'failed', 'failed']);
  });

  it('lets a run wait as long as the service asks, around a stream that it has refused', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.1s' }];
    const limitedBody = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', details } };
    const whole = { candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }] };
    const answers = [
      new Response(JSON.stringify(limitedBody), { status: 429 }),
      new Response(`data: ${JSON.stringify(whole)}\n\n`, { headers: { 'content-type': 'text/event-stream' } }),
    ];
    const { gate, clock, facts } = gateWorld({ permits: 4, adaptive: true });
    const outcome = gate.run(key, async ({ signal }) => {
      const request = { contents: [{ parts: [{ text: 'x' }] }] };
      const options = { model: 'gemini-x', request, retry: { attempts: 1 }, signal, clock, fetch: async () => answers.shift() as Response };
      let text = '';
      for await (const event of streamGenerateContent(options)) if (event.type === 'text') text += event.text;
      return text;
    });
    await new Promise<void>((resolve) => {
      const watch = gate.on('gate.paused', () => {
        watch.unsubscribe();
        resolve();
      });
    });
    await settle();
    clock.advanceBy(100);
    expect(await outcome).toEqual({ ok: true, value: 'hi', attempts: 2 });
    expect(facts.map(({ type }) => type)).toEqual(['gate.levelChanged', 'gate.paused']);
  });

  it('can be the apps, and where that is at fault the permit is back all the same', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const fn = () => Promise.reject(new Error('slow down'));
    expect(await gate.run(key, fn, { classify: () => ({ kind: 'rateLimited', retryAfterMs: 5 }), attempts: 1 })).toMatchObject({
      reason: 'rateLimited',
    });
    const wrong = () => ({ kind: 'rateLimited', retryAfterMs: Number.NaN }) as const;
    await expect(gate.run('b', fn, { classify: wrong })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    for (const none of [{}, null, undefined, 'failed', { kind: 'other' }])
      await expect(gate.run('b', fn, { classify: () => none as never })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    await expect(gate.run('b', () => 1, { usage: () => -1 })).rejects.toMatchObject({ code: 'gate/invalid-options' });
    expect(gate.status('b')).toMatchObject({ held: 0 });
  });
});
