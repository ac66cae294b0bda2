import { describe, expect, it } from 'vitest';
import { EspalierError, orchestrator, type App } from '../../src/index.js';
import { stage, worker } from './stage.js';

/** The tree as it would come back from a file. */
function saved(app: App): unknown {
  return JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as unknown;
}

describe('what is no saved tree', () => {
  const described = orchestrator({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
  const good = (): Record<string, unknown> => {
    const app = described.start({ clock: stage().clock });
    const snapshot = saved(app) as Record<string, unknown>;
    app.ref.stop();
    return snapshot;
  };

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['a number', () => 7],
    ['text', () => '{}'],
    ['an empty object', () => ({})],
    ['a list', () => []],
    ['of another machine', () => worker().resolveState({ value: 'working', context: { name: 'x', reason: 'normal' } })],
    ['in a state that there is not', () => ({ ...good(), value: 'nowhere' })],
    ['without context', () => ({ ...good(), context: null })],
    ['with an empty context', () => ({ ...good(), context: {} })],
    ['without its pool', () => ({ ...good(), children: {} })],
    ['with a pool that was cut short', () => ({ ...good(), children: { pool: { src: 'pool', snapshot: { children: [{}] } } } })],
    [
      'with a pool of nulls',
      () => ({ ...good(), children: { pool: { src: 'pool', snapshot: { status: 'active', at: 0, init: null, children: [null], timers: [] } } } }),
    ],
    [
      'with a pool without timers',
      () => ({ ...good(), children: { pool: { src: 'pool', snapshot: { status: 'active', at: 0, init: null, children: [] } } } }),
    ],
    ['of a tree with other actors', () => JSON.parse(JSON.stringify(good()).replaceAll('"src":"worker"', '"src":"stranger"')) as unknown],
  ])('%s is refused at the call with a clear error, and nothing runs', (_what, make) => {
    const there = stage();
    const snapshot = make();
    let error: unknown;
    try {
      described.start({ clock: there.clock, inspect: there.inspect, snapshot });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(EspalierError);
    expect(error).toMatchObject({ code: 'supervision/invalid-snapshot' });
    expect(there.living()).toEqual([]);
  });

  it('a saved tree that had ended is ended', async () => {
    const here = stage();
    const app = here.app({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    await app.stop();
    const there = stage();
    const again = described.start({ clock: there.clock, inspect: there.inspect, snapshot: saved(app) });
    expect(await again.ended()).toMatchObject({ reason: 'normal', children: [{ id: 'w' }] });
  });
});
