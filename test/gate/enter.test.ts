/** `enter`: a permit without a promise where one is free; and what a turn of the event loop saves, where the clock can tell that one is over. */
import { afterEach, describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../../src/gate/handle.js';
import type { EnteredPermit, Refusal } from '../../src/gate/permit.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { actor, gateWorld, leaveNothing, settle } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

/** What was entered at once. */
function at(entered: ReturnType<Gate['enter']>): EnteredPermit {
  if (entered instanceof Promise || !entered.ok) throw new Error('expected a permit at once');
  return entered;
}

async function heard(entered: ReturnType<Gate['enter']>): Promise<EnteredPermit | Refusal> {
  if (!(entered instanceof Promise)) throw new Error('expected a wait');
  return await entered;
}

describe('enter', () => {
  it('gives a permit that is free at once, and it is its own outcome', () => {
    const { gate } = gateWorld({ permits: 1 });
    const first = at(gate.enter(key));
    expect([first.permit, first.isHeld, first.waitedMs, first.ended, gate.status(key)?.held]).toEqual([first, true, 0, null, 1]);
    expect([first.release(), first.release()]).toEqual([{ ok: true }, { ok: false, reason: 'notHeld', because: 'released' }]);
    const again = at(gate.enter(key));
    expect([again === first, first.isHeld, again.isHeld]).toEqual([false, false, true]);
  });

  it('gives a promise to whoever has to wait, in order with all others', async () => {
    const { gate, clock, told } = gateWorld({ permits: 1 });
    const first = at(gate.enter(key));
    const waits = [gate.enter(key), gate.acquire({ key }), gate.enter(key, { waitMs: 100 })] as const;
    clock.advanceBy(100);
    first.release();
    const second = await heard(waits[0]);
    expect(second).toMatchObject({ ok: true, waitedMs: 100, isHeld: true });
    expect(await heard(waits[2])).toEqual({ ok: false, reason: 'timeout', key, waitedMs: 100, retryAfterMs: null });
    expect(at(gate.enter('other')).isHeld).toBe(true);
    if (second.ok) second.release();
    expect(await waits[1]).toMatchObject({ ok: true });
    expect(told()).toEqual(['gate.refused', 'gate.waited', 'gate.waited']);
  });

  it('refuses at once, and throws misuse', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const holder = actor();
    at(gate.enter(key, { holder }));
    expect(gate.enter(key, { waitMs: 0 })).toMatchObject({ ok: false, reason: 'busy' });
    expect(gate.enter(key, { signal: AbortSignal.abort() })).toMatchObject({ ok: false, reason: 'cancelled' });
    for (const misuse of [
      () => gate.enter(''),
      () => gate.enter(7 as never),
      () => gate.enter(key, { key } as never),
      () => gate.enter(key, { waitMs: -1 }),
      () => gate.enter(key, null as never),
    ])
      expect(misuse).toThrow('gate/invalid-options');
    holder.stop();
    expect(at(gate.enter(key)).isHeld).toBe(true);
    await gate.close();
    expect(gate.enter(key)).toMatchObject({ ok: false, reason: 'closed' });
  });

  it('asks the window and the pause as every acquisition does', () => {
    const { gate } = gateWorld({ permits: 4, keys: { rated: { rate: { requests: 1 } } } });
    at(gate.enter('rated')).release({ outcome: 'ok' });
    expect(gate.enter('rated', { waitMs: 0 })).toMatchObject({ ok: false, reason: 'overBudget' });
    at(gate.enter(key)).release({ outcome: 'rateLimited', retryAfterMs: 10 });
    expect(gate.enter(key, { waitMs: 0 })).toMatchObject({ ok: false, reason: 'rateLimited', retryAfterMs: 10 });
    expect(gate.enter(key)).toBeInstanceOf(Promise);
  });
});

/** A clock under the test's hand that says when a turn is over. */
class TurningClock extends VirtualClock {
  #waiting: (() => void)[] = [];
  looks = 0;

  override now(): number {
    this.looks++;
    return super.now();
  }

  afterTurn(fn: () => void): void {
    this.#waiting.push(fn);
  }

  endTurn(): number {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const fn of waiting) fn();
    return waiting.length;
  }
}

describe('where the clock tells that a turn is over', () => {
  const gates: Gate[] = [];
  afterEach(async () => {
    for (const gate of gates.splice(0)) await gate.close();
  });
  const world = (options: object): { gate: Gate; clock: TurningClock } => {
    const clock = new TurningClock();
    const gate = createGate(options, { clock });
    gates.push(gate);
    return { gate, clock };
  };

  it('a permit that is back within its turn has asked for no time and no timer', () => {
    const { gate, clock } = world({ permits: 2 });
    const before = clock.looks;
    for (let n = 0; n < 100; n++) at(gate.enter(key)).release();
    expect([clock.looks - before, clock.pending()]).toEqual([0, 0]);
    clock.endTurn();
    expect([clock.pending(), clock.endTurn()]).toEqual([0, 0]);
  });

  it('a lease counts from the end of its turn: never early, and whoever is back has none', () => {
    const { gate, clock } = world({ permits: 3, leaseMs: 100 });
    const facts: unknown[] = [];
    gate.on('gate.expired', (fact) => facts.push(fact));
    const [first, second, third] = [0, 1, 2].map(() => at(gate.enter(key)));
    first?.release();
    clock.advanceBy(5);
    clock.endTurn();
    clock.advanceBy(99);
    expect([first?.ended, second?.ended, third?.ended]).toEqual(['released', null, null]);
    third?.release();
    clock.advanceBy(1);
    expect([second?.ended, third?.ended, clock.pending()]).toEqual(['expired', 'released', 0]);
    expect(facts).toEqual([{ type: 'gate.expired', key, heldMs: 100 }]);
  });

  it('a lease that is renewed within its turn counts from then', () => {
    const { gate, clock } = world({ permits: 2, leaseMs: 100 });
    const [renewed, other] = [at(gate.enter(key)), at(gate.enter(key))];
    expect(renewed.renew(30)).toBe(true);
    clock.advanceBy(29);
    expect(renewed.isHeld).toBe(true);
    clock.advanceBy(1);
    expect([renewed.ended, other.ended]).toEqual(['expired', null]);
    clock.endTurn();
    clock.advanceBy(100);
    expect(other.ended).toBe('expired');
  });

  it('a wait has its deadline when its turn is over, and a look at the clock serves many', async () => {
    const { gate, clock } = world({ permits: 1, waitMs: 100 });
    const permit = at(gate.enter(key));
    const before = clock.looks;
    const waits = Array.from({ length: 32 }, () => gate.enter(key));
    expect([clock.looks - before, clock.pending()]).toEqual([2, 0]);
    clock.advanceBy(3);
    clock.endTurn();
    expect(clock.pending()).toBe(1);
    clock.advanceBy(96);
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 32 });
    clock.advanceBy(4);
    const outcomes = await Promise.all(waits.map(heard));
    expect(outcomes.map((outcome) => !outcome.ok && outcome.reason)).toEqual(waits.map(() => 'timeout'));
    expect(outcomes.every((outcome) => !outcome.ok && outcome.waitedMs >= 100)).toBe(true);
    permit.release();
    expect(clock.pending()).toBe(0);
  });

  it('whoever moves up has a deadline, also where the turn of his own wait is not over', async () => {
    const { gate, clock } = world({ permits: 1 });
    const permit = at(gate.enter(key, { holder: actor() }));
    const controller = new AbortController();
    const first = gate.enter(key, { waitMs: 50, signal: controller.signal });
    clock.endTurn();
    const second = gate.enter(key, { waitMs: 80 });
    controller.abort();
    expect(await heard(first)).toMatchObject({ reason: 'cancelled' });
    clock.endTurn();
    clock.advanceBy(80);
    expect(await heard(second)).toMatchObject({ reason: 'timeout', waitedMs: 80 });
    permit.release();
    expect(clock.pending()).toBe(0);
  });

  it('a gate that is closed within the turn takes its permits, and the end of the turn finds nothing', async () => {
    const { gate, clock } = world({ permits: 1 });
    const permit = at(gate.enter(key));
    const { lost } = permit;
    const waiting = gate.enter(key);
    expect(await gate.close()).toEqual({ held: 1, waiting: 1 });
    expect([lost.aborted, lost.reason, permit.ended]).toEqual([true, 'closed', 'closed']);
    expect(await heard(waiting)).toMatchObject({ reason: 'closed' });
    clock.endTurn();
    expect(clock.pending()).toBe(0);
  });

  it("the machine's own clock does, and a wait on it ends", async () => {
    const gate = createGate({ permits: 1, waitMs: 1 });
    gates.push(gate);
    const permit = at(gate.enter(key));
    const outcome = await heard(gate.enter(key));
    expect(outcome).toMatchObject({ ok: false, reason: 'timeout' });
    expect(!outcome.ok && outcome.waitedMs >= 1).toBe(true);
    permit.release();
  });
});
