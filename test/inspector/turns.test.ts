/** However many look: together they have one's share of the app's time, each has its turn, and one that leaves leaves nothing. */
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { XStateInspect } from '../../src/inspector/adapters/xstate-inspect.js';
import { Hub } from '../../src/inspector/hub.js';
import { planInspector } from '../../src/inspector/plan.js';
import { Respite, Turns } from '../../src/inspector/respite.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { FakeFeed } from './fake-feed.js';

/** A clock that also goes while something is done. */
class WorkClock extends VirtualClock {
  spent = 0;

  override now(): number {
    return super.now() + this.spent;
  }
}

/** A socket that takes what it is sent at once, or never. */
class Ear extends EventEmitter {
  readonly heard: string[] = [];
  isPaused = false;
  reads = true;

  send(text: string, done: () => void): void {
    this.heard.push(text);
    if (this.reads) done();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  terminate(): void {
    this.emit('close');
  }

  close(): void {}

  says(message: object): void {
    this.emit('message', Buffer.from(JSON.stringify(message)), false);
  }

  get results(): number[] {
    return this.heard.flatMap((text) => (text.startsWith('{"type":"result"') ? [(JSON.parse(text) as { id: number }).id] : []));
  }
}

/** A hub of which each keyframe and each answer costs so much, ms. */
function crowded(viewers: number, cost: number, isForeign: (index: number) => boolean = () => false) {
  const feed = new FakeFeed();
  const clock = new WorkClock();
  const done = { frames: 0, answers: 0 };
  const keyframe = feed.keyframe.bind(feed);
  feed.keyframe = (...about) => {
    done.frames++;
    clock.spent += cost;
    return keyframe(...about);
  };
  const history = feed.history.bind(feed);
  feed.history = (...about) => {
    done.answers++;
    clock.spent += cost;
    return history(...about);
  };
  const facts = { title: '', pid: 1, runtime: '', version: '' };
  const left: string[] = [];
  const hub = new Hub(feed, planInspector({ maxViewers: 64 }), facts, clock, {
    joined: () => undefined,
    left: (_viewers, why) => void left.push(why),
  });
  const ears = Array.from({ length: viewers }, (_, index) => {
    const ear = new Ear();
    if (isForeign(index)) hub.joinForeign(ear as unknown as WebSocket, new XStateInspect());
    else hub.join(ear as unknown as WebSocket);
    return ear;
  });
  onTestFinished(() => {
    hub.cut();
    feed.dispose();
    expect(clock.pending()).toBe(0);
  });
  return { clock, done, ears, hub, left };
}

describe('a turn', () => {
  it('is of who has waited the longest, when all have rested from the one before', () => {
    const clock = new VirtualClock();
    const turns = new Turns(new Respite(clock));
    const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    expect(turns.isOf(a)).toBe(true);
    turns.spend(a, () => clock.advanceBy(5));
    expect([a, b, c].map((one) => turns.isOf(one))).toEqual([false, false, false]);
    clock.advanceBy(50);
    expect([c, b, a].map((one) => turns.isOf(one))).toEqual([false, false, true]);
    turns.forget(a);
    expect([c, a, b].map((one) => turns.isOf(one))).toEqual([false, false, true]);
    turns.spend(b, () => undefined);
    expect([b, a, c].map((one) => turns.isOf(one))).toEqual([false, false, true]);
    turns.spend(c, () => undefined);
    turns.forget(a);
    turns.forget(b);
    expect(turns.waiting).toBe(0);
  });

  it('takes at most an eleventh of the time, and what is owed once, whoever asks and whatever each costs', () => {
    const steps = fc.array(fc.record({ who: fc.nat(5), cost: fc.nat(40).map((tenths) => tenths / 10), wait: fc.nat(40) }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 1), (list, freeMs) => {
        const clock = new WorkClock();
        const turns = new Turns(new Respite(clock, { freeMs }));
        const askers = Array.from({ length: 6 }, () => ({}));
        let [spent, last] = [0, 0];
        for (const { who, cost, wait } of list) {
          clock.advanceBy(wait);
          const one = askers[who] as object;
          if (!turns.isOf(one)) continue;
          turns.spend(one, () => (clock.spent += cost));
          spent += cost;
          last = cost;
        }
        expect(spent - last).toBeLessThanOrEqual(clock.now() / 10 + freeMs + 1e-6);
      }),
      { seed: 20_261_123, numRuns: 200 },
    );
  });
});

describe('many who look', () => {
  it.each([1, 16])('%i of them that ask for the past without end get together what one gets, and each is answered', (viewers) => {
    const { clock, done, ears } = crowded(viewers, 10);
    let id = 0;
    for (let round = 0; round < 100; round++) {
      id++;
      for (const ear of ears) if (!ear.isPaused) ear.says({ type: 'history', id, from: 0, to: 9 });
      clock.advanceBy(50);
    }
    const ms = clock.now();
    expect(done.answers * 10).toBeLessThanOrEqual(ms / 10 + 10);
    expect(done.answers).toBeGreaterThan(30);
    const counts = ears.map(({ results }) => results.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('of this inspector and of another, are shown everything in turn, for a tenth of the time', () => {
    const { clock, done, ears } = crowded(12, 20, (index) => index % 3 === 0);
    for (let id = 1; id <= 100; id++) {
      for (const [index, ear] of ears.entries())
        ear.says(index % 3 === 0 ? { type: 'xstate.inspecting' } : { type: 'watch', id, branch: '', detail: 'full' });
      clock.advanceBy(50);
    }
    expect(done.frames * 20).toBeLessThanOrEqual(clock.now() / 10 + 20);
    for (const [index, ear] of ears.entries())
      expect(ear.heard.some((text) => text.includes(index % 3 === 0 ? 'service.register' : '"type":"keyframe"'))).toBe(true);
  });

  it('wait for nobody who does not read, nor for one who has gone', () => {
    const { clock, ears, left } = crowded(4, 10);
    const [deaf, gone, ...others] = ears as [Ear, Ear, Ear, Ear];
    deaf.reads = false;
    for (const ear of ears) ear.says({ type: 'watch', id: 1, branch: '', detail: 'full' });
    for (let id = 2; id < 6; id++) for (const ear of ears) ear.says({ type: 'history', id, from: 0, to: 9 });
    gone.emit('close');
    expect(left).toEqual(['it went away']);
    clock.advanceBy(5_000);
    for (const { results } of others) expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(gone.results).not.toContain(5);
  });

  it('do not keep one from stopping an actor, or from looking at another', () => {
    const { ears } = crowded(2, 100);
    const [busy, person] = ears as [Ear, Ear];
    busy.says({ type: 'history', id: 1, from: 0, to: 9 });
    busy.says({ type: 'history', id: 2, from: 0, to: 9 });
    expect(busy.isPaused).toBe(true);
    person.says({ type: 'watch', id: 7, branch: 'app', detail: 'full' });
    person.says({ type: 'control', id: 8, action: 'stop', actor: 'app' });
    expect(person.results).toEqual([7, 8]);
    expect(person.isPaused).toBe(false);
  });
});
