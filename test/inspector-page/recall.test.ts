/** How the page comes to what was before it: with answers that the test holds in its hand. */
import { expect, it } from 'vitest';
import type { RecordedLine } from '../../src/wire/recording/lines.js';
import { Recall, recallPausesMs, type Taken } from '../../visualizations/inspector/sources/recall.js';
import { numbered, start } from './lines.js';

const lines = numbered(start('app', 0));

/** @param answers  one for each request: lines, or the words of a refusal; at the end the last stands for all that follow */
function stand(answers: readonly (readonly RecordedLine[] | string)[], taken: readonly Taken[] = ['taken']) {
  const seen = { now: 0, asked: 0, took: 0, told: [] as string[] };
  const recall = new Recall({
    now: () => seen.now,
    ask: () => {
      const answer = answers[Math.min(seen.asked++, answers.length - 1)] ?? [];
      return typeof answer === 'string' ? Promise.reject(new Error(answer)) : Promise.resolve(answer);
    },
    take: () => taken[Math.min(seen.took++, taken.length - 1)] ?? 'taken',
    tell: (words) => seen.told.push(words),
  });
  return { recall, seen };
}

it('is asked for once, however long somebody looks at the beginning', async () => {
  const { recall, seen } = stand([lines]);
  await Promise.all([recall.came(), recall.came()]);
  seen.now += 60_000;
  await recall.came();
  recall.left();
  await recall.came();
  expect(seen).toEqual({ now: 60_000, asked: 1, took: 1, told: [] });
});

it('is asked for again after a refusal, not before its pause has passed, and nobody is told of what went well in the end', async () => {
  const [pauseMs = 0] = recallPausesMs;
  const { recall, seen } = stand(['busy', lines]);
  await recall.came();
  seen.now += pauseMs - 1;
  await recall.came();
  expect(seen.asked).toBe(1);
  seen.now += 1;
  await recall.came();
  expect(seen).toEqual({ now: pauseMs, asked: 2, took: 1, told: [] });
});

it('is given up after a few refusals, says why, and is asked for again by who goes away and comes back', async () => {
  const { recall, seen } = stand(['busy']);
  for (let frame = 0; frame < 1_000; frame++) {
    await recall.came();
    seen.now += 250;
  }
  expect(seen.asked).toBe(recallPausesMs.length + 1);
  expect(seen.told).toEqual(['What was before cannot be had: busy. Go on and come back to the beginning to ask again.']);
  recall.left();
  await recall.came();
  expect(seen.asked).toBe(recallPausesMs.length + 2);
});

it('is asked for no sooner by who goes away and comes back at once', async () => {
  const { recall, seen } = stand(['busy']);
  for (let frame = 0; frame < 1_000; frame++) {
    recall.left();
    await recall.came();
  }
  expect(seen.asked).toBe(1);
});

it('is asked for again where the first lines were let go meanwhile, and not where there is no room', async () => {
  const { recall, seen } = stand([lines], ['stale', 'noRoom']);
  await recall.came();
  expect(seen.told).toEqual([]);
  for (let frame = 0; frame < 100; frame++) {
    seen.now += 250;
    await recall.came();
  }
  expect([seen.asked, seen.told]).toEqual([2, [expect.stringMatching(/^What was before cannot be shown/)]]);
});

it('takes no answer, and no refusal, of a conversation that is over', async () => {
  const answers: { resolve(lines: readonly RecordedLine[]): void; reject(error: Error): void }[] = [];
  const told: string[] = [];
  let took = 0;
  const recall = new Recall({
    now: () => 0,
    ask: () => new Promise((resolve, reject) => answers.push({ resolve, reject })),
    take: () => {
      took++;
      return 'noRoom';
    },
    tell: (words) => told.push(words),
  });
  const came: Promise<void>[] = [];
  for (let conversation = 0; conversation < 3; conversation++) {
    recall.reset();
    came.push(recall.came());
  }
  answers[0]?.resolve(lines);
  answers[1]?.reject(new Error('lost'));
  await Promise.all(came.slice(0, 2));
  expect([answers.length, took, told]).toEqual([3, 0, []]);
  answers[2]?.resolve(lines);
  await Promise.all(came);
  expect([took, told.length]).toEqual([1, 1]);
});
