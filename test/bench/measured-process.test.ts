import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MeasuredProcess } from '../../bench/live/measured-process.js';

const folder = mkdtempSync(join(tmpdir(), 'espalier-measured-'));
const program = join(folder, 'program.mjs');
beforeAll(() => {
  // Answers a pass with its count and its process id, dies of an order to close, and of a name that it does not know.
  writeFileSync(
    program,
    `const [name, url] = process.argv.slice(2);
     if (name !== 'known' || url !== 'http://here') process.exit(3);
     process.on('message', (order) => (order.do === 'close' ? process.exit(4) : process.send({ ms: order.count, pid: process.pid, flags: process.execArgv.length })));
     process.on('disconnect', () => process.exit(0));
     process.send({});`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pass = (count: number) => ({ do: 'pass', way: 'in', count }) as const;

describe('the process of a subject that is measured', () => {
  test('is one of its own, and the same for all its orders, each answered with its own figures', async () => {
    const one = await MeasuredProcess.start('known', 'http://here', program);
    const other = await MeasuredProcess.start('known', 'http://here', program);
    const [first, second, third] = [await one.obey(pass(1)), await one.obey(pass(2)), await other.obey(pass(3))];
    expect([first['ms'], second['ms'], third['ms']]).toEqual([1, 2, 3]);
    expect(first['pid']).toBe(second['pid']);
    expect(new Set([process.pid, first['pid'], third['pid']]).size).toBe(3);
    one.end();
    one.end();
    other.end();
  });

  test('runs with the flags that are given for it, and with none of its parent', async () => {
    const [plain, flagged] = [
      await MeasuredProcess.start('known', 'http://here', program),
      await MeasuredProcess.start('known', 'http://here', program, ['--max-semi-space-size=1']),
    ];
    expect([(await plain.obey(pass(1)))['flags'], (await flagged.obey(pass(1)))['flags']]).toEqual([0, 1]);
    plain.end();
    flagged.end();
  });

  test('that ends before it has answered is a failure, in words, and not a wait without end', async () => {
    await expect(MeasuredProcess.start('unknown', 'http://here', program)).rejects.toThrow(
      'expected a session from the process of unknown, got: its end, exit 3',
    );
    const one = await MeasuredProcess.start('known', 'http://here', program);
    await expect(one.obey({ do: 'close' })).rejects.toThrow("expected figures of 'close' from the process of known, got: its end, exit 4");
    one.end();
  });
});
