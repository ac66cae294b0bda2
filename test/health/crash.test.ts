/** A monitor that dies: whoever is killed, it goes on where it was, tells nothing twice, and nothing false. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Said } from '../../src/health/answer.js';
import { exitReason } from '../../src/supervision/watch.js';
import { healthWorld, idle, leaveNothing, settle, troublesOf } from './health-world.js';

afterEach(leaveNothing);

const every = { everyMs: 100, firstMs: 100 };

const moments = ['between checks', 'while a check is under way'];
describe.each(['health', 'table', 'sick'].flatMap((who) => moments.map((moment) => [who, moment] as const)))('the %s, killed %s,', (who, moment) => {
  it.each([0, 1, 2, 3, 4, 5, 6])('in interval %i: every fact is told once, and none that is false', async (last) => {
    let says: Said = true;
    const probes = [
      { id: 'well', check: () => true, ...every },
      { id: 'sick', check: () => new Promise<Said>((resolve) => queueMicrotask(() => resolve(says))), ...every },
      { id: 'mute', check: () => null, ...every },
    ];
    const { pass, facts, kill, health, clock } = await healthWorld({ health: { probes } });
    for (let time = 0; time < 12; time++) {
      says = time < 2 || time > 5;
      clock.advanceBy(100);
      if (moment === 'between checks') await settle();
      if (time === last) await kill(who);
      await settle();
    }
    const told = facts.filter((fact) => !fact.startsWith('health.changed') && !fact.startsWith('health.tableRestarted'));
    // A restart begins the silence of one that never spoke anew, so that it may come later; none is told of one that speaks.
    expect(told.sort()).toEqual(['health.degraded sick', 'health.failed sick', 'health.recovered sick', 'health.silenced mute']);
    expect(health.all().map(({ health: own, isSilent }) => [own, isSilent])).toEqual([
      ['healthy', false],
      ['healthy', false],
      ['unknown', true],
    ]);
    await pass(100);
  });
});

describe('a health monitor that is restarted', () => {
  it('keeps the probes that it was given while it ran, and begins no check beside one that still runs', async () => {
    const ends: (() => void)[] = [];
    const { pass, health, kill } = await healthWorld({});
    health.watch({ id: 'db', check: () => new Promise<void>((resolve) => ends.push(resolve)), ...every, deadlineMs: 1_000 });
    await pass(100);
    await kill('health');
    expect(health.all().map(({ id }) => id)).toEqual(['db']);
    // Told to stop, it has not failed before its deadline; the interval that is over after it is its failure.
    await pass(100, 10);
    expect([ends.length, health.status('db')]).toMatchObject([1, { health: 'unknown', last: null, isOverdue: true }]);
    await pass(100);
    expect(ends.length).toBe(1);
    expect(health.status('db')).toMatchObject({ last: { because: 'timeout' } });
    ends[0]?.();
    await settle();
    await pass(100);
    expect(ends.length).toBe(2);
    ends[1]?.();
    await settle();
    expect(health.status('db')).toMatchObject({ last: { outcome: 'ok' } });
  });

  it('takes a check that hangs for no failure because of the restart itself', async () => {
    const ends: (() => void)[] = [];
    const probe = { id: 'db', check: () => new Promise<void>((resolve) => ends.push(resolve)), everyMs: 100, firstMs: 0 };
    const { pass, health, kill } = await healthWorld({ health: { probes: [probe] } });
    await pass(0);
    for (let time = 0; time < 3; time++) {
      await pass(10);
      await kill('health');
      await pass(0);
    }
    expect([ends.length, health.status('db')]).toMatchObject([1, { health: 'unknown', last: null, isOverdue: true }]);
    ends[0]?.();
    await settle();
  });

  it.each(['health', 'table'])(
    'tells nothing false of a check that ignores its signal and is within its deadline, when the %s is killed',
    async (who) => {
      const ends: (() => void)[] = [];
      const probe = { id: 'db', check: () => new Promise<void>((resolve) => ends.push(resolve)), everyMs: 1_000, deadlineMs: 900, firstMs: 1 };
      const { pass, health, facts, kill } = await healthWorld({ health: { unhealthyAfter: 1, probes: [probe] } });
      const end = async (index: number): Promise<void> => {
        ends[index]?.();
        await settle();
      };
      await pass(1);
      await end(0);
      await pass(1_000);
      await pass(200);
      await kill(who);
      await pass(7);
      expect(health.status('db')).toMatchObject({ health: 'healthy', last: { outcome: 'ok' } });
      await pass(393);
      await end(1);
      // The successor's grid: the check of the interval after finds nobody in its place.
      await pass(601);
      expect(ends.length).toBe(3);
      await end(2);
      expect(health.status('db')).toMatchObject({ health: 'healthy', lastAgoMs: 0 });
      expect(facts.filter((fact) => fact.endsWith(' db'))).toEqual([]);
    },
  );

  it('counts each interval of a check that hangs after its deadline once, however often it is restarted', async () => {
    const ends: (() => void)[] = [];
    const probe = { id: 'db', check: () => new Promise<void>((resolve) => ends.push(resolve)), everyMs: 100, deadlineMs: 50, firstMs: 1 };
    const { pass, facts, kill } = await healthWorld({ health: { probes: [probe] } });
    await pass(1);
    await pass(50);
    expect(facts).toContain('health.degraded db');
    for (let time = 0; time < 6; time++) {
      await kill('health');
      await pass(2);
    }
    expect(facts).not.toContain('health.failed db');
    await pass(100, 2);
    expect(facts).toContain('health.failed db');
    ends[0]?.();
    await settle();
    expect(ends.length).toBe(1);
  });

  it('tells that it is heard again of one whose silence its predecessor told', async () => {
    let says: Said = null;
    const { pass, facts, kill } = await healthWorld({ health: { probes: [{ id: 'db', check: () => says, ...every }] } });
    await pass(100, 4);
    await kill('health');
    says = true;
    await pass(100, 2);
    expect(facts.filter((fact) => fact.endsWith(' db'))).toEqual(['health.silenced db', 'health.heard db']);
  });

  it('fails when its table is lost too often', async () => {
    const { kill, part, health } = await healthWorld({ health: { probes: [{ id: 'db', check: () => true, ...every }] } });
    const first = part('health');
    for (let time = 0; time < 10; time++) await kill('table');
    expect(exitReason(first)).toBe(null);
    await kill('table');
    expect(exitReason(first)).toEqual({ crash: 'tableLost' });
    expect(health.all().length).toBe(1);
  });

  it('knows in its own snapshot who was in trouble', async () => {
    const { pass, kill, part } = await healthWorld({ health: { unhealthyAfter: 1, probes: [{ id: 'db', check: () => false, ...every }] } });
    await pass(100);
    await kill('health');
    expect(troublesOf(part('health'))).toEqual({ db: 'unhealthy' });
  });

  it('of a process that starts again knows who was in trouble', async () => {
    const { pass, app, health } = await healthWorld({ health: { unhealthyAfter: 1, probes: [{ id: 'db', check: () => false, ...every }] } });
    await pass(100);
    expect(health.overall()).toBe('unhealthy');
    expect(JSON.stringify(app.getPersistedSnapshot())).toContain('"troubles":{"db":"unhealthy"}');
  });
});

describe.each(['services', 'table', 'api'])('of a service monitor the %s, killed', (who) => {
  it.each([0, 1, 2, 3, 4])('after step %i: every fact is told once, and none that is false', async (last) => {
    const services = {
      settleMs: 50,
      services: [
        { id: 'api', name: 'front', dependsOn: ['store'] },
        { id: 'store', name: 'db' },
      ],
    };
    const { facts, kill, services: handle, app, pass } = await healthWorld({ services, children: { front: idle, db: idle } });
    const steps = [
      () => Promise.resolve(),
      async () => void (await app.terminateChild('db')),
      async () => void (await app.restartChild('db')),
      () => pass(50),
      () => pass(50),
    ];
    for (const [index, step] of steps.entries()) {
      await step();
      if (index === last) await kill(who);
      if (index === last && index === 2) await pass(50);
    }
    await pass(100);
    expect(facts.filter((fact) => fact.startsWith('service.'))).toEqual([
      ...['service.started store', 'service.started api', 'service.lost store', 'service.degraded api'],
      ...['service.returned store', 'service.recovered store', 'service.recovered api'],
    ]);
    expect(handle.all().map(({ id, state }) => `${id} ${state}`)).toEqual(['store available', 'api available']);
  });
});
