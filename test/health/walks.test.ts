/** A probe on any way that it may take: what is told of it, against a count by hand of the words of the guide. By chance, with a seed. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Said } from '../../src/health/answer.js';
import { seed } from '../model/seed.js';
import { healthWorld, leaveNothing, settle, troublesOf } from './health-world.js';

afterEach(leaveNothing);

type Result = 'ok' | 'degraded' | 'failed';
/** What the next check does, and what happens half an interval later or at its end. */
type Says = Result | 'nothing' | 'hang';
type Act = 'none' | 'release' | 'report' | 'kill health' | 'kill table';

/** All that is known of a probe, counted from the whole list of its results each time. */
class ByHand {
  readonly results: Result[] = [];
  readonly facts: string[] = [];
  health = 'unknown';
  isFlapping = false;
  isSilent = false;
  isHanging = false;
  #isLate = false;
  #lateAt = 0;
  #heardAt = -100;
  #giveUpAt = Infinity;
  #dueAt: number;
  #silentAt: number;
  #now = 0;
  readonly #deadlineMs: number;
  readonly #firstMs: number;

  constructor(deadlineMs: number, firstMs: number) {
    [this.#deadlineMs, this.#firstMs, this.#dueAt, this.#silentAt] = [deadlineMs, firstMs, firstMs, firstMs + 300];
  }

  tick(says: Says): void {
    this.#now += 50;
    const wasDue = this.#dueAt === this.#now;
    if (this.isHanging && !this.#isLate && this.#giveUpAt <= this.#now) {
      [this.#isLate, this.#lateAt] = [true, this.#now];
      this.result('failed');
    }
    if (wasDue) this.#due(says);
    if (!this.isSilent && this.#silentAt <= this.#now) {
      this.isSilent = true;
      this.facts.push('health.silenced db');
    }
  }

  #due(says: Says): void {
    this.#dueAt += 100;
    if (this.isHanging) {
      if (this.#isLate && this.#lateAt < this.#now) this.result('failed');
    } else if (says === 'hang') {
      [this.isHanging, this.#isLate, this.#giveUpAt] = [true, false, this.#now + this.#deadlineMs];
    } else if (says !== 'nothing') this.result(says);
  }

  release(): void {
    if (!this.isHanging) return;
    this.isHanging = false;
    if (!this.#isLate) this.result('ok');
  }

  /**
   * Another monitor goes on: its grid and the time without a result begin anew, and what hangs was told to stop. It fails by its deadline nevertheless, and
   * where that is over, no sooner than an interval after the last result.
   */
  restart(): void {
    const isInTime = this.isHanging && this.#giveUpAt > this.#now;
    this.#lateAt = isInTime ? this.#giveUpAt : Math.max(this.#now, this.#heardAt + 100);
    [this.#isLate, this.#dueAt, this.#silentAt] = [true, this.#now + this.#firstMs, this.#now + this.#firstMs + 300];
  }

  result(one: Result): void {
    this.results.push(one);
    [this.#heardAt, this.#silentAt] = [this.#now, this.#now + 300];
    const inARow = (isSo: (one: Result) => boolean): number => this.results.length - 1 - this.results.findLastIndex((one) => !isSo(one));
    const ok = inARow((one) => one === 'ok');
    const from = this.health;
    let to = from;
    if (inARow((one) => one === 'failed') >= 3) to = 'unhealthy';
    else if (from === 'unknown') to = ok > 0 ? 'healthy' : 'degraded';
    else if (ok >= 2) to = 'healthy';
    else if (from === 'unhealthy' && inARow((one) => one !== 'failed') >= 2) to = 'degraded';
    else if (from === 'healthy' && ok === 0) to = 'degraded';
    const recent = this.results.slice(-6);
    const changes = recent.filter((one, index) => index > 0 && one !== recent[index - 1]).length;
    const isFlapping = this.isFlapping ? changes > 1 : changes >= 4;
    if (isFlapping && !this.isFlapping) this.facts.push('health.flapped db');
    if (!isFlapping && this.isFlapping) this.facts.push(`health.settled db ${to}`);
    Object.assign(this, { health: to, isFlapping });
    if (to !== from && (!isFlapping || to === 'unhealthy')) {
      if (to === 'unhealthy') this.facts.push('health.failed db');
      if (to === 'degraded') this.facts.push('health.degraded db');
      if (to === 'healthy' && from !== 'unknown') this.facts.push('health.recovered db');
    }
    if (this.isSilent) this.facts.push('health.heard db');
    this.isSilent = false;
  }
}

const step = fc.record({
  says: fc.oneof({ arbitrary: fc.constantFrom<Says>('ok', 'degraded', 'failed'), weight: 6 }, fc.constantFrom<Says>('nothing', 'hang')),
  act: fc.oneof(
    { arbitrary: fc.constant<Act>('none'), weight: 8 },
    { arbitrary: fc.constant<Act>('release'), weight: 3 },
    fc.constantFrom<Act>('report', 'kill health', 'kill table'),
  ),
});

const pace = fc.record({ deadlineMs: fc.constantFrom(50, 100), firstMs: fc.constantFrom(50, 100) });

describe('a probe', () => {
  it(`tells what its results come to, on any way, and never overlaps itself (seed ${seed})`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(pace, fc.array(step, { minLength: 5, maxLength: 40 }), async ({ deadlineMs, firstMs }, steps) => {
        let says: Says = 'ok';
        let running = 0;
        let most = 0;
        let release = (): void => {};
        const check = (): Said | Promise<Said> => {
          if (says === 'nothing') return null;
          if (says !== 'hang') return says;
          most = Math.max(most, ++running);
          return new Promise<Said>((resolve) => {
            release = () => (running--, (release = () => {}), resolve('ok'));
          });
        };
        const { pass, kill, facts, health, part } = await healthWorld({
          health: {
            flapping: { of: 6, starts: 4, ends: 1 },
            probes: [{ id: 'db', check, everyMs: 100, firstMs, deadlineMs }],
          },
        });
        const hand = new ByHand(deadlineMs, firstMs);
        for (const { says: next, act } of steps) {
          says = next;
          await pass(50);
          hand.tick(next);
          if (act === 'release') {
            release();
            await settle();
            hand.release();
          } else if (act === 'report') {
            health.report('db', 'ok');
            hand.result('ok');
          } else if (act !== 'none') {
            await kill(act.slice(5));
            hand.restart();
          }
          const { health: own, isFlapping, isSilent, isOverdue } = health.all()[0] as ReturnType<typeof health.all>[number];
          expect([own, isFlapping, isSilent]).toEqual([hand.health, hand.isFlapping, hand.isSilent]);
          expect(troublesOf(part('health'))).toEqual(own === 'degraded' || own === 'unhealthy' ? { db: own } : {});
          if (isOverdue) expect(hand.isHanging).toBe(true);
          expect(facts.filter((fact) => fact.includes(' db'))).toEqual(hand.facts);
        }
        expect(most).toBeLessThanOrEqual(1);
        release();
        await settle();
        await leaveNothing();
      }),
      { seed, numRuns: 120 },
    );
  });
});
