/** Work in slices, on a loop whose turns and whose time are in the hands of the test. */
import { describe, expect, it } from 'vitest';
import { Slices, Turns, type Loop } from '../../src/supervision/slices.js';

/** How long anybody may hold the loop, ms. */
const mostHeldMs = 5;

/** An event loop that stands still until it is told to go on. */
class HandLoop implements Loop {
  at = 0;
  looks = 0;
  #asked: (() => void)[] = [];

  now(): number {
    this.looks++;
    return this.at;
  }

  laterTurn(act: () => void) {
    this.#asked.push(act);
    return { cancel: () => void (this.#asked = this.#asked.filter((one) => one !== act)) };
  }

  /** Turns that were asked for. */
  get asked(): number {
    return this.#asked.length;
  }

  /** The next turn. @returns how long it took, ms */
  turn(): number {
    const beganAt = this.at;
    for (const act of this.#asked.splice(0)) act();
    return this.at - beganAt;
  }
}

/** Work of which each piece takes its time, done as its owner would: at once where there is room, or in slices. */
function workOn(loop: HandLoop, tookMs: number, turns = new Turns(loop)) {
  const slices = new Slices(turns);
  const done: number[] = [];
  const piece = (name: number): void => {
    loop.at += tookMs;
    done.push(name);
  };
  const add = (name: number): void => {
    if (slices.hasRoom()) piece(name);
    else slices.later({ take: () => piece(name) });
  };
  return { slices, done, add };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, name) => name);

describe('work in slices', () => {
  it('is done at once while it is little, and nobody looks at the clock for it', () => {
    const loop = new HandLoop();
    const { done, add } = workOn(loop, 0.01);
    for (const name of upTo(20)) add(name);
    expect([done, loop.looks, loop.asked]).toEqual([upTo(20), 0, 0]);
  });

  it('is left to later turns when it has taken its time, in order; no turn takes longer', () => {
    const loop = new HandLoop();
    const { done, add } = workOn(loop, 0.01);
    for (const name of upTo(20_000)) add(name);
    const held = [loop.at];
    expect(done.length).toBeLessThan(1_000);
    while (loop.asked > 0) {
      expect(loop.asked).toBe(1);
      const before = done.length;
      held.push(loop.turn());
      if (before < 20_000) expect(done.length).toBeGreaterThan(before);
    }
    expect(done).toEqual(upTo(20_000));
    expect(Math.max(...held)).toBeLessThan(mostHeldMs);
  });

  it('waits behind what waits already, also when it is put there while that is done', () => {
    const loop = new HandLoop();
    const slices = new Slices(new Turns(loop));
    const done: string[] = [];
    slices.later({
      take: () => {
        done.push('first');
        slices.later({ take: () => void done.push('of the first') });
      },
    });
    expect(slices.hasRoom()).toBe(false);
    slices.later({ take: () => void done.push('second') });
    while (loop.asked > 0) loop.turn();
    expect(done).toEqual(['first', 'second', 'of the first']);
    expect(slices.hasRoom()).toBe(true);
  });

  it('has room again in the next turn, when the one before was used up', () => {
    const loop = new HandLoop();
    const { slices, done, add } = workOn(loop, 1);
    while (slices.hasRoom()) loop.at++;
    loop.turn();
    add(0);
    expect(done).toEqual([0]);
  });

  it('that sets off the next goes only so deep, and all of it is done', () => {
    const loop = new HandLoop();
    const slices = new Slices(new Turns(loop));
    let [depth, deepest, done] = [0, 0, 0];
    const step = (): void => {
      deepest = Math.max(deepest, ++depth);
      if (++done < 10_000) {
        slices.deeper();
        if (slices.hasRoom()) step();
        else slices.later({ take: step });
        slices.shallower();
      }
      depth--;
    };
    step();
    while (loop.asked > 0) loop.turn();
    expect(done).toBe(10_000);
    expect(deepest).toBeGreaterThan(10);
    expect(deepest).toBeLessThanOrEqual(250);
    expect(slices.hasRoom()).toBe(true);
  });

  it('that sets off the work of others goes only so deep with all of them', () => {
    const turns = new Turns(new HandLoop());
    const owners = upTo(60).map(() => new Slices(turns));
    let depth = 0;
    for (let next = 0; owners[next % 60]?.hasRoom() === true; next++) {
      owners[next % 60]?.deeper();
      depth++;
    }
    expect(depth).toBeLessThanOrEqual(250);
    expect(owners.every(({ isDeep }) => isDeep)).toBe(true);
    for (let next = 0; next < depth; next++) owners[next % 60]?.shallower();
    expect(owners.some(({ isDeep }) => isDeep)).toBe(false);
  });

  it('is given up as a whole: nothing that waits is done, no turn is asked for, and there is room for other work', () => {
    const loop = new HandLoop();
    const { slices, done, add } = workOn(loop, 1);
    for (const name of upTo(5_000)) add(name);
    const before = done.length;
    slices.clear();
    expect(loop.asked).toBe(0);
    loop.turn();
    expect(done.length).toBe(before);
    add(-1);
    slices.later({ take: () => void done.push(-2) });
    while (loop.asked > 0) loop.turn();
    expect(done.slice(before)).toEqual([-1, -2]);
  });

  it('of many owners has one turn between them, and each has some of his done in it', () => {
    const loop = new HandLoop();
    const turns = new Turns(loop);
    const owners = upTo(5).map(() => workOn(loop, 0.005, turns));
    for (const { add } of owners) for (const name of upTo(1_000)) add(name);
    expect(loop.at).toBeLessThan(mostHeldMs);
    const before = owners.map(({ done }) => done.length);
    expect(loop.turn()).toBeLessThan(mostHeldMs);
    for (const [place, { done }] of owners.entries()) expect(done.length - (before[place] ?? 0)).toBeGreaterThanOrEqual(20);
    while (loop.asked > 0) {
      expect(loop.asked).toBe(1);
      expect(loop.turn()).toBeLessThan(mostHeldMs);
    }
    for (const { done } of owners) expect(done).toEqual(upTo(1_000));
  });

  it('given up by one owner is still done for the others', () => {
    const loop = new HandLoop();
    const turns = new Turns(loop);
    const [one, other] = [workOn(loop, 0.01, turns), workOn(loop, 0.01, turns)];
    for (const { add } of [one, other]) for (const name of upTo(1_000)) add(name);
    const before = one.done.length;
    one.slices.clear();
    while (loop.asked > 0) loop.turn();
    expect([one.done.length, other.done]).toEqual([before, upTo(1_000)]);
  });

  it('of which nothing waits leaves the turn to the others as far gone as it is, when it is given up', () => {
    const loop = new HandLoop();
    const turns = new Turns(loop);
    const [one, other] = [new Slices(turns), new Slices(turns)];
    while (one.hasRoom()) loop.at++;
    other.clear();
    expect(one.hasRoom()).toBe(false);
  });

  it('given up from within a slice goes no further', () => {
    const loop = new HandLoop();
    const { slices, done } = workOn(loop, 0);
    slices.later({ take: () => slices.clear() });
    slices.later({ take: () => void done.push(1) });
    while (loop.asked > 0) loop.turn();
    expect(done).toEqual([]);
    expect(slices.hasRoom()).toBe(true);
  });
});
