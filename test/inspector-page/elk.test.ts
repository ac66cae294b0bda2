/** The worker in which ELK runs: ended where it fails, and made anew for the next chart. */
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { Elk } from '../../src/charts/elk-graph.js';

/** What a browser gives a page to start a worker with. */
class FakeWorker extends EventTarget {
  static readonly made: FakeWorker[] = [];
  readonly url: string;
  readonly told: unknown[] = [];
  isEnded = false;

  constructor(url: string) {
    super();
    this.url = url;
    FakeWorker.made.push(this);
  }

  postMessage(message: unknown): void {
    this.told.push(message);
  }

  terminate(): void {
    this.isEnded = true;
  }

  answer(data: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  fail(message: string): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message }));
  }
}

/** Its types are of a browser: loaded by its path, so that this file needs none of them. */
async function newElk(): Promise<Elk> {
  const path = join(import.meta.dirname, '../../visualizations/inspector/chart/elk.ts');
  const { WorkerElk } = (await import(path)) as { WorkerElk: new () => Elk };
  return new WorkerElk();
}

function inBrowser(): { revoked: string[] } {
  const revoked: string[] = [];
  FakeWorker.made.length = 0;
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('document', { getElementById: () => ({ textContent: 'text of the worker' }) });
  vi.spyOn(URL, 'createObjectURL').mockImplementation(() => `blob:${FakeWorker.made.length}`);
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((url) => void revoked.push(url));
  return { revoked };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

it('ends a worker that failed, and asks another for the next chart', async () => {
  const { revoked } = inBrowser();
  const elk = await newElk();
  const first = elk.layout({ id: 'a' });
  FakeWorker.made[0]?.fail('out of memory');
  await expect(first).rejects.toThrow('out of memory');
  expect([FakeWorker.made[0]?.isEnded, revoked]).toEqual([true, ['blob:0']]);

  const second = elk.layout({ id: 'b' });
  FakeWorker.made[1]?.answer({ id: 1, data: { id: 'b', width: 2 } });
  expect(await second).toEqual({ id: 'b', width: 2 });
  expect(FakeWorker.made.map(({ isEnded }) => isEnded)).toEqual([true, false]);
});

it('lets the text of a worker go as soon as that has it', async () => {
  const { revoked } = inBrowser();
  const elk = await newElk();
  const drawn = elk.layout({ id: 'a' });
  expect(revoked).toEqual([]);
  FakeWorker.made[0]?.answer({ id: 0, data: { id: 'a' } });
  await drawn;
  expect(revoked).toEqual(['blob:0']);
});
