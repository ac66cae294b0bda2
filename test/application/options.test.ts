import { afterEach, describe, expect, it } from 'vitest';
import { application } from '../../src/application/application.js';
import { leaveNothing, noted, settle, world } from './application-world.js';

afterEach(leaveNothing);

const src = noted([], 'x');
const of =
  (...services: readonly object[]) =>
  () =>
    application({ services: services.map((service) => ({ src, ...service })) as never });

describe('the options of an application are refused before anything starts', () => {
  it.each([
    [
      'a circle, with the way round',
      of({ id: 'a', dependsOn: ['b'] }, { id: 'b', dependsOn: ['c'] }, { id: 'c', dependsOn: ['a'] }),
      'application/cycle',
      'a → b → c → a',
    ],
    ['one that depends on itself', of({ id: 'a', dependsOn: ['a'] }), 'application/cycle', 'a → a'],
    ['a dependency on nobody', of({ id: 'a', dependsOn: ['db'] }, { id: 'b' }), 'application/missing-dependency', "service 'a'"],
    ['two of one id', of({ id: 'a' }, { id: 'a' }), 'application/duplicate-service', 'a'],
    ['an id that is no name', of({ id: '$services' }), 'application/invalid-options', 'a name'],
    ['a misspelt option', of({ id: 'a', dependOn: [] }), 'application/invalid-options', 'dependsOn'],
    ['a source that is no logic', of({ id: 'a', src: {} }), 'application/invalid-options', 'logic'],
    ['another way of losing', of({ id: 'a', onDependencyLoss: 'ignore' }), 'application/invalid-options', 'restart or degrade'],
    ['something else in place of what is always on', of({ id: 'a', otherwise: () => undefined }), 'application/invalid-options', 'no flag'],
    ['a spec that no supervisor takes', of({ id: 'a', restart: 'sometimes' }), 'supervision/invalid-restart', 'sometimes'],
    ['a deadline that is none', of({ id: 'a', flushMs: -1 }), 'application/invalid-options', 'flushMs'],
  ] as const)('%s', (_what, make, code, words) => {
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }) as Error);
  });
});

describe('a feature flag', () => {
  const services = [
    { id: 'health', flag: 'health' },
    { id: 'api', dependsOn: [{ id: 'health', optional: true as const }] },
  ];

  it('turns a service off, and says so', async () => {
    const { app, log, states } = world(services, { flags: { health: false } });
    await app.whenReady();
    expect(log).toEqual(['+api']);
    expect(states()).toEqual({ api: 'running', health: 'off' });
    expect(app.status()).toMatchObject({ state: 'running', flags: { health: false } });
    expect(await app.restartService('health')).toEqual({ ok: false, reason: 'off' });
  });

  it('of the environment is laid over those of the code', async () => {
    const { states } = world(services, { flags: { health: false }, env: { ESPALIER_FLAGS: ' health ' } });
    await settle();
    expect(states()).toEqual({ health: 'running', api: 'running' });
    expect(world(services, { env: { ESPALIER_FLAGS: '-health' } }).states()).toMatchObject({ health: 'off' });
  });

  it('that nobody knows is refused, with those that there are', () => {
    expect(() => world(services, { flags: { heath: true } })).toThrow(
      expect.objectContaining({ code: 'application/unknown-flag', details: { expected: 'flags: health', got: 'heath' } }) as Error,
    );
    expect(() => world(services, { env: { ESPALIER_FLAGS: '-telemetry' } })).toThrow(/ESPALIER_FLAGS: health, got: "telemetry"/u);
    expect(() => world(services, { flags: { health: 'on' as never } })).toThrow(/true or false/u);
    expect(() => world(services, { env: { ESPALIER_FLAGS: 1 as never } })).toThrow(
      expect.objectContaining({ code: 'application/invalid-options', details: { expected: 'env.ESPALIER_FLAGS: a text', got: 'a number' } }) as Error,
    );
  });

  it('turns nothing off that somebody cannot do without', () => {
    const needed = [
      { id: 'db', flag: 'db' },
      { id: 'api', dependsOn: ['db'] },
    ];
    expect(() => world(needed, { flags: { db: false } })).toThrow(expect.objectContaining({ code: 'application/service-off' }) as Error);
  });

  it('puts what was there before in its place, which nobody restarts', async () => {
    const made: string[] = [];
    const old = () => {
      made.push('+old');
      return () => made.push('-old');
    };
    const both = [
      { id: 'health', flag: 'health', otherwise: old, flush: () => made.push('flush') },
      { id: 'api', dependsOn: ['health'] },
    ];
    const { app } = world(both, { flags: { health: false } });
    await app.whenReady();
    expect(app.status().services[0]).toMatchObject({ id: 'health', state: 'running', isReplaced: true });
    await app.stop();
    expect(made).toEqual(['+old', '-old']);
  });

  it('tells that what is in its place went wrong, and leaves it', async () => {
    const both = [{ id: 'health', flag: 'health', otherwise: () => Promise.reject(new Error('no port')) }];
    const { app } = world(both, { flags: { health: false } });
    await settle();
    expect(app.status()).toMatchObject({ state: 'degraded', services: [{ state: 'failed', why: 'crash: Error: no port' }] });
  });
});
