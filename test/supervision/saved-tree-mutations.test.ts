/** A saved tree, changed in one place: it is refused as what it is, or it goes on. It never breaks later. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { dynamicSupervisor, EspalierError, orchestrator, supervisor, supervisorHandle } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { worker } from './stage.js';

const backoff = { minMs: 50, maxMs: 50, factor: 1, jitter: 0, resetAfterMs: 0 };
const inner = supervisor({ actors: { worker: worker() }, children: [{ id: 'deep', src: 'worker' }] });
const described = orchestrator({
  intensity: 20,
  actors: { worker: worker(), inner, dyn: dynamicSupervisor({ actors: { worker: worker() } }) },
  children: [
    { id: 'w', src: 'worker' },
    { id: 'b', src: 'worker', backoff },
    { id: 'inner', src: 'inner', type: 'supervisor' },
    { id: 'dyn', src: 'dyn', type: 'supervisor' },
  ],
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

async function saved(): Promise<Json> {
  const app = described.start({ clock: new VirtualClock() });
  await supervisorHandle(app.child('dyn') as AnyActorRef).startChild({ id: 'd', src: 'worker', backoff });
  app.child('b')?.send({ type: 'crash' });
  app.child('w')?.send({ type: 'crash' });
  const snapshot = JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as Json;
  app.ref.stop();
  return snapshot;
}

function pathsOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inside]) => pathsOf(inside, [...path, key]))];
}

/** A copy with one place changed; `undefined` takes it away. */
function changed(value: Json, path: readonly string[], to: Json | undefined): Json {
  const copy = structuredClone(value);
  let at = copy as Record<string, Json>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, Json>;
  const last = path.at(-1) ?? '';
  if (to === undefined) delete at[last];
  else at[last] = to;
  return copy;
}

const reported: unknown[] = [];
beforeEach(() => {
  reported.length = 0;
  vi.stubGlobal('setTimeout', (fn: () => void) => {
    try {
      fn();
    } catch (error) {
      reported.push(error);
    }
  });
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a saved tree with one place changed', () => {
  it('is refused, or goes on and can be stopped', { timeout: 60_000 }, async () => {
    const good = await saved();
    const paths = pathsOf(good).filter((path) => path.length > 0);
    const place = fc.constantFrom(...paths);
    const junk = fc.constantFrom<Json | undefined>(undefined, null, 7, -1, 'x', '', true, [], {}, [null], { x: 1 });
    await fc.assert(
      fc.asyncProperty(place, junk, async (path, to) => {
        reported.length = 0;
        const clock = new VirtualClock();
        let app;
        try {
          app = described.start({ clock, snapshot: changed(good, path, to) });
        } catch (error) {
          expect(error).toBeInstanceOf(EspalierError);
          expect(error).toMatchObject({ code: 'supervision/invalid-snapshot' });
          return;
        }
        expect(reported).toEqual([]);
        expect(app.ref.getSnapshot().status).not.toBe('error');
        void app.stop();
        for (let round = 0; round < 10; round++) await clock.advanceByAsync(2_000);
        expect(reported).toEqual([]);
        expect(app.ref.getSnapshot().status).not.toBe('error');
      }),
      { numRuns: 1_500, seed: 9 },
    );
  });
});
