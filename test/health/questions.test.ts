/** Probes that ask an actor: it is sent what it has agreed to handle, and nothing that would end it. */
import { afterEach, describe, expect, it } from 'vitest';
import { createMachine, sendTo } from 'xstate';
import type { HealthCheck } from '../../src/health/answer.js';
import { exitReason } from '../../src/supervision/watch.js';
import { healthWorld, idle, leaveNothing, settle } from './health-world.js';

afterEach(leaveNothing);

const every = { everyMs: 100, firstMs: 100 };

const answers = createMachine({
  initial: 'well',
  on: {
    'health.check': {
      actions: sendTo(
        ({ event }) => (event as HealthCheck).from,
        ({ event }) => ({ type: 'health.answer', check: (event as HealthCheck).check, outcome: 'ok' }),
      ),
    },
  },
  states: {
    well: { on: { 'go.mute': 'mute', 'go.wrong': 'wrong' } },
    mute: { on: { 'health.check': { actions: () => undefined } } },
    wrong: { on: { 'health.check': { guard: () => false } } },
  },
});

describe('a probe that asks an actor', () => {
  const ask = (id: string, find: (id: string) => ReturnType<typeof healthWorldPart>) => ({ id: `of ${id}`, ask: () => find(id), ...every });
  function healthWorldPart(id: string) {
    return holder.world?.app.child(id);
  }
  const holder: { world?: Awaited<ReturnType<typeof healthWorld>> } = {};
  const open = async (children: Parameters<typeof healthWorld>[0]['children']) =>
    (holder.world = await healthWorld({
      children: children ?? {},
      health: { probes: Object.keys(children ?? {}).map((id) => ask(id, healthWorldPart)) },
    }));

  it('has its answer', async () => {
    const { pass, health } = await open({ db: answers });
    await pass(100, 3);
    expect(health.status('of db')).toMatchObject({ health: 'healthy', last: { because: 'said' } });
  });

  it('never sends to one whose present state leaves the question to a wildcard, of its own or of another region', async () => {
    const raise = (): never => {
      throw new Error('no function clause');
    };
    const rude = { '*': { actions: raise } };
    const whileOpen = { on: { 'health.check': { actions: () => undefined }, 'go.sell': 'selling' } };
    const root = createMachine({ initial: 'open', on: rude, states: { open: whileOpen, selling: {} } });
    const named = createMachine({ initial: 'open', on: { 'health.*': { actions: raise } }, states: { open: whileOpen, selling: {} } });
    const region = createMachine({
      type: 'parallel',
      states: { polite: { on: { 'health.check': { actions: () => undefined } } }, rude: { on: rude } },
    });
    const { pass, app } = await open({ root, named, region });
    for (const id of ['root', 'named']) app.child(id)?.send({ type: 'go.sell' });
    await pass(100, 4);
    expect(['root', 'named', 'region'].map((id) => exitReason(app.child(id) as never))).toEqual([null, null, null]);
  });

  it('never sends to one that does not handle the question, whose life goes on; the lack of results is told', async () => {
    const deaf = createMachine({
      on: {
        '*': {
          actions: () => {
            throw new Error('no function clause');
          },
        },
      },
    });
    const { pass, facts, health, app, clock } = await open({ deaf, idle });
    await pass(100, 4);
    expect(facts.filter((fact) => fact.startsWith('health.silenced')).sort()).toEqual(['health.silenced of deaf', 'health.silenced of idle']);
    expect([exitReason(app.child('deaf') as never), health.status('of deaf')?.last, clock.now()]).toEqual([null, null, 400]);
  });

  it('fails where a guard of its target throws; the target is not sent what would end it', async () => {
    const shop = createMachine({
      on: {
        'health.check': {
          guard: () => {
            throw new TypeError('no stock');
          },
          actions: () => undefined,
        },
      },
    });
    const { pass, health, app, part } = await open({ shop });
    const first = part('shop');
    await pass(100, 4);
    expect([exitReason(first), app.child('shop') === first, exitReason(app.ref)]).toEqual([null, true, null]);
    expect(health.status('of shop')).toMatchObject({ health: 'unhealthy', last: { outcome: 'failed', because: 'threw' } });
  });

  it('never sends to one that has events `health.*` of its own, and has not said that it answers this one', async () => {
    const clinic = createMachine({
      on: {
        'health.*': {
          actions: () => {
            throw new Error('no such patient');
          },
        },
      },
    });
    const { pass, health, facts, part } = await open({ clinic });
    await pass(100, 4);
    expect([exitReason(part('clinic')), health.status('of clinic')?.last]).toEqual([null, null]);
    expect(facts).toContain('health.silenced of clinic');
  });

  it('fails where its target does not answer in time, and where it has ended; the target is left alone', async () => {
    const { pass, health, part, kill, app } = await open({ db: answers });
    const first = part('db');
    first.send({ type: 'go.mute' });
    await pass(100);
    await pass(100);
    expect(health.status('of db')).toMatchObject({ last: { because: 'timeout' } });
    expect(exitReason(first)).toBe(null);
    await app.terminateChild('db');
    await pass(100, 2);
    expect(health.status('of db')).toMatchObject({ last: { because: 'noproc' } });
    await app.restartChild('db');
    await pass(100, 3);
    expect(health.status('of db')?.health).toBe('healthy');
    await kill('db');
    await pass(100, 1);
    expect(health.status('of db')?.health).toBe('healthy');
  });

  it('fails alone where its finder throws, and where it has been taken away by it', async () => {
    const world = await healthWorld({
      children: { db: answers },
      health: {
        probes: [
          {
            id: 'thrower',
            ask: () => {
              throw new TypeError('no');
            },
            ...every,
          },
          { id: 'leaver', ask: () => (world.health.unwatch('leaver'), world.app.child('db')), ...every },
        ],
      },
    });
    await world.pass(100, 2);
    expect(world.health.all()).toMatchObject([{ id: 'thrower', last: { outcome: 'failed', because: 'threw', detail: 'TypeError' } }]);
    expect([exitReason(world.part('db')), exitReason(world.part('health'))]).toEqual([null, null]);
  });

  it('asks anew in each interval one that does not answer', async () => {
    let asked = 0;
    const mute = createMachine({ on: { 'health.check': { actions: () => void asked++ } } });
    const { pass, health } = await open({ mute });
    await pass(100, 4);
    expect([asked, health.status('of mute')?.health]).toEqual([4, 'unhealthy']);
  });

  it('drops an answer that comes too late, and one to a question that nobody asked', async () => {
    const { pass, health, part } = await open({ db: answers });
    part('db').send({ type: 'go.mute' });
    await pass(100, 2);
    part('table').send({ type: 'health.answer', check: 'none', outcome: 'ok' });
    part('table').send({ type: 'health.answer', check: `${part('table').sessionId}.1`, outcome: 'ok' });
    await settle();
    expect(health.status('of db')).toMatchObject({ health: 'degraded', last: { because: 'timeout' } });
  });
});
