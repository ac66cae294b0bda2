/** The guide to the gate is true: its programs and the example run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy, run } = guidePrograms('gate', '.');

describe('the programs of the guide to the gate', { timeout: 60_000 }, () => {
  it('begin with one that has a call let in, and its answer', async () => {
    expect((await printedBy('block0.js')).join(' ').replaceAll(/\s+/g, ' ')).toBe("{ answer: 'RAIN?', tokens: 30 }");
  });

  it('have a permit by hand', async () => {
    expect(await printedBy('block1.js')).toEqual(['true']);
  });

  it('have a permit without a promise', async () => {
    expect(await printedBy('block2.js')).toEqual(['true']);
  });

  it('end with what is put behind one, of which nothing is asked yet', async () => {
    expect(await run('block3.js')).toBe('');
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(4);
  });
});

it('the example slows down, answers every question, and has the permit of a dead worker back', { timeout: 60_000 }, async () => {
  const printed = await printedBy('gate-calls.js');
  expect(printed.slice(0, 6)).toEqual([
    'from 2 to 1 permits: rateLimited',
    'from 1 to 2 permits: succeeded',
    ...['about rain, attempt 2', 'about wind, attempt 1', 'about snow, attempt 1'],
    '1 back: holderEnded',
  ]);
  expect(printed.slice(6).join(' ')).toMatch(/\bheld: 0\b.*\bpermits: 2\b/);
});
