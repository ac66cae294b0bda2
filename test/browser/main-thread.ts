/** What the main thread of a page is busy with, by Chromium's own count of its CPU time: that another program has the processor changes nothing in it. */
import type { CDPSession, Page } from 'playwright-core';

export interface Busy {
  /**
   * CPU time of all tasks of the main thread for one picture, ms: the mean of each ten pictures, in order of size. Where a busy machine let more news come
   * together between two pictures than `atOnce`, it is what so many would have cost.
   */
  readonly perPicture: readonly number[];
  /** Of that, how much went to scripts, to styles and layout; ms for one picture, over all. */
  readonly scriptMs: number;
  readonly layoutMs: number;
  /** Pictures in a second of wall time: what the machine made of it. */
  readonly rate: number;
}

const group = 10;

/** Has a page count what it is told of actors, as it takes it; before it is opened. */
export async function countNews(page: Page): Promise<void> {
  await page.addInitScript(`
    globalThis.newsCount = 0;
    globalThis.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        // Also within a part of a message, where its quotes are escaped.
        this.addEventListener('message', ({ data }) => (globalThis.newsCount += data.match(/"actor\\\\*":/g)?.length ?? 0));
      }
    };`);
}

/**
 * Lets the page draw so many pictures, and tells what they have cost.
 * @param page    one that was told to {@link countNews}
 * @param atOnce  so much news comes to a picture where the machine keeps up
 */
export async function busyFor(page: Page, session: CDPSession, pictures: number, atOnce: number): Promise<Busy> {
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const read = async () => new Map((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value * 1_000]));
  const spent = (name: string, from: Map<string, number>, to: Map<string, number>): number => (to.get(name) ?? 0) - (from.get(name) ?? 0);
  const perPicture: number[] = [];
  const first = await read();
  let [before, wallMs] = [first, 0];
  for (let drawn = 0; drawn < pictures; drawn += group) {
    const { ms, news } = await page.evaluate<{ readonly ms: number; readonly news: number }>(
      `new Promise((done) => {
        const [from, told] = [performance.now(), newsCount];
        let left = ${group};
        const next = () => (left-- > 0 ? requestAnimationFrame(next) : done({ ms: performance.now() - from, news: newsCount - told }));
        requestAnimationFrame(next);
      })`,
    );
    wallMs += ms;
    const after = await read();
    perPicture.push(spent('TaskDuration', before, after) / group / Math.max(1, news / group / atOnce));
    before = after;
  }
  return {
    perPicture: perPicture.sort((a, b) => a - b),
    scriptMs: spent('ScriptDuration', first, before) / pictures,
    layoutMs: (spent('LayoutDuration', first, before) + spent('RecalcStyleDuration', first, before)) / pictures,
    rate: (pictures * 1_000) / wallMs,
  };
}

/** The value below which this part of a sorted list lies. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
