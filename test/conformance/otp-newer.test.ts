/** The lines with `scenario.quirk`: what newer OTP does there instead, and so do we. @see the reference's version notes on supervisor.erl */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { detailOf, repositoryRoot } from './otp/command.js';
import type { Json, Line } from './otp/line.js';
import { playLine } from './otp/play.js';

type Golden = Record<string, Json>;

const rows = readFileSync(join(repositoryRoot(), 'test', 'conformance', 'otp', 'sets', 'hand.jsonl'), 'utf8').split('\n');
const quirks = rows
  .filter((row) => row !== '')
  .map((row) => JSON.parse(row) as Line)
  .filter((line) => line.scenario.quirk !== undefined);

/** The line without its quirk, with newer OTP's answer in some intervals. */
function newer(name: string, change: (intervals: Golden[]) => void): Line {
  const line = quirks.find((quirk) => quirk.name === name) as Line;
  const { quirk: _quirk, ...scenario } = line.scenario;
  const intervals = structuredClone(line.golden['intervals']) as Golden[];
  change(intervals);
  return { ...line, scenario, golden: { intervals } };
}

async function differenceOf(line: Line): Promise<string> {
  const outcome = await playLine(line);
  return outcome.status === 'passed' ? '' : detailOf(outcome);
}

describe('newer OTP', () => {
  test('is known to differ in three lines', () => {
    expect(quirks.map((line) => line.name).sort()).toEqual([
      'quirk_simple_auto_shutdown',
      'quirk_simple_restart_ignore',
      'quirk_simple_terminate_restarting_count',
    ]);
  });

  test('counts no active child less for one that was terminated between two attempts', async () => {
    const line = newer('quirk_simple_terminate_restarting_count', (intervals) => {
      for (const interval of intervals.slice(3, 6)) interval['sups'] = { top: { which: [], count: [1, 0, 0, 0] } };
    });
    expect(await differenceOf(line)).toBe('');
  });

  test('drops an instance that declines its restart, and stops well afterwards', async () => {
    const line = newer('quirk_simple_restart_ignore', (intervals) => {
      const [dropping, stopping] = intervals.slice(3) as [Golden, Golden];
      dropping['sups'] = { top: { which: [[null, 'top/d2', 'worker']], count: [1, 1, 0, 1] } };
      stopping['events'] = [
        ['exit', 'top/d2', 'shutdown'],
        ['exit', 'top', 'shutdown'],
      ];
    });
    expect(await differenceOf(line)).toBe('');
  });

  test('refuses an auto-shutdown over instances of a template', async () => {
    const reason = ['$where', ['bad_combination', '$what']];
    const line = newer('quirk_simple_auto_shutdown', (intervals) => {
      for (const [index, interval] of intervals.entries()) {
        interval['events'] = index === 0 ? [['start_error', 'top', reason]] : [];
        interval['replies'] = index === 0 ? [[0, ['error', reason]]] : [];
        interval['sups'] = {};
        interval['reports'] = [];
      }
      for (const index of [1, 2]) (intervals[index] as Golden)['replies'] = [[index, ['exit', 'noproc']]];
    });
    expect(await differenceOf(line)).toBe('');
  });
});
