/** The seam by which streams, interactions and sessions are put behind a gate. */
import { afterEach, describe, expect, it } from 'vitest';
import { fromCallback, fromPromise } from 'xstate';
import { passGate, reportOf, requireBehindGate } from '../../src/gate/behind.js';
import { gate as gateLogic } from '../../src/gate/gate.js';
import { type Gate, gateHandle } from '../../src/gate/handle.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
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
