/** The guide to shared variables is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('variables', '.');

describe('the programs of the guide to shared variables', { timeout: 60_000 }, () => {
  it.each([['agents that agree on a value', 0, ['version 2: 19', 'conflict', 'version 3: 22', 'fred: noAgent']]])(
    'have %s',
    async (_, index, printed) => {
      expect(await printedBy(`block${index}.js`)).toEqual(printed);
    },
  );

  it('are all run', () => {
    expect(blocks).toHaveLength(1);
  });
});
