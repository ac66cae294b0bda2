/** The guide to the load balancer is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('load-balancer', '.');

describe('the programs of the guide to the load balancer', { timeout: 60_000 }, () => {
  it.each([
    ['tasks that are spread', 0, ['bob, ann, bob', 'ann 1, bob 1']],
    ['agents of a room, of whom one crashes', 1, ['{"ok":true,"task":"page","agent":"ann","attempts":2,"tookMs":0}']],
    ['a task that outlives its agent', 2, ['{"ok":true,"task":"page","agent":"dora","attempts":2,"tookMs":0}']],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual(printed);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(3);
  });
});
