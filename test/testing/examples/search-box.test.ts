import { describe, expect, it } from 'vitest';
import { hastySearchBox, searchBoxMachine, searchBoxModel } from '../../../examples/testing/search-box.js';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { mutationTest } from '../../../src/testing/mutation/mutation-test.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import { failureOf } from './failure-of.js';

const claim = 'the hits are for the text in the box';
const timer = 'the next timer fires';

describe('a search box', { timeout: 60_000 }, () => {
  it('is whole: all is reached and holds, in every order of five steps', async () => {
    const { coverage, exhausted } = expectFullCoverage(searchBoxModel);
    expect(exhausted).toBe(true);
    expect(coverage.hits('delay searchBox.typing after(pause) cancelled')).toBeGreaterThan(0);
    await propertyTest(searchBoxModel, { runs: 300 });
    expect(interleavings(searchBoxModel, { depth: 5 })).toMatchObject({ exhaustive: true });
  });

  it('is tested as the app provides it', () => {
    const announced: number[] = [];
    expectFullCoverage(searchBoxModel, { machine: searchBoxMachine.provide({ actions: { announce: (_, { hits }) => announced.push(hits) } }) });
    expect(new Set(announced)).toEqual(new Set([2]));
  });

  it('that takes any answer for the latest is found out in five steps, none of which can be spared', async () => {
    const path = ['types "oak"', timer, 'types "elm"', timer, 'the oldest question is answered'];
    const searched = await failureOf(() => testPaths(searchBoxModel, { machine: hastySearchBox }));
    expect(searched).toMatchObject({ claim, problem: "'elm' is in the box, and shown: oak 1, oak 2", path });
    expect(await failureOf(() => interleavings(searchBoxModel, { machine: hastySearchBox, depth: 5 }))).toMatchObject({ claim, path });
    expect(interleavings(searchBoxModel, { machine: hastySearchBox, depth: 4 })).toMatchObject({ exhaustive: true });
    for (const seed of [1, 2, 3]) {
      const { claim: broken, path: found } = await failureOf(() => propertyTest(searchBoxModel, { machine: hastySearchBox, runs: 1_000, seed }));
      expect([broken, found.length]).toEqual([claim, 5]);
    }
    replayPath(searchBoxModel, searched.fixture);
  });

  it('has a model that notices when any line of it is wrong', async () => {
    const waived = { 'searchBox.showing entry: without announce': 'what the app says aloud is not the model’s' };
    expect(await mutationTest(searchBoxModel, { waived })).toMatchObject({ survived: 0, waived: 1 });
  });

  it('passes over a late answer in a world as well', async () => {
    const shown = async (machine: typeof searchBoxMachine): Promise<readonly string[]> => {
      await using world = createWorld();
      const index = world.controlled<{ url: string }, undefined>('index');
      const ref = world.start(machine.provide({ actors: { index } }));
      ref.send({ type: 'box.changed', text: 'oak' });
      await world.runFor(300);
      ref.send({ type: 'box.changed', text: 'elm' });
      await world.runFor(300);
      index.calls[0]?.report({ type: 'search.answered', number: 1, hits: ['oak 1'] });
      return ref.getSnapshot().context.hits;
    };
    expect(await shown(searchBoxMachine)).toEqual([]);
    expect(await shown(hastySearchBox)).toEqual(['oak 1']);
  });
});
