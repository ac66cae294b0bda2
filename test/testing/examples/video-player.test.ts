import { describe, expect, it } from 'vitest';
import { blinkingPlayer, playerMachine, playerModel } from '../../../examples/testing/video-player.js';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { mutationTest } from '../../../src/testing/mutation/mutation-test.js';
import { failureOf } from './failure-of.js';

describe('a video player of three regions', { timeout: 60_000 }, () => {
  it('is whole: all is reached and holds, in every order of four steps', async () => {
    expect(expectFullCoverage(playerModel)).toMatchObject({ exhausted: true });
    await propertyTest(playerModel, { runs: 300 });
    expect(interleavings(playerModel, { depth: 4 })).toMatchObject({ exhaustive: true });
  });

  it('is tested as the app provides it', () => {
    let kept = 0;
    expectFullCoverage(playerModel, { machine: playerMachine.provide({ actions: { keepPlace: () => void kept++ } }) });
    expect(kept).toBeGreaterThan(0);
  });

  it('whose timer is stopped by a wrong name leaves it behind: the kit claims so by itself, in two steps', async () => {
    const failure = await failureOf(() => testPaths(playerModel, { machine: blinkingPlayer }));
    expect(failure).toMatchObject({ claim: 'nothing outlives the end', path: ['play', 'play'] });
    replayPath(playerModel, failure.fixture);
  });

  it('and hides the controls of a paused film, in three steps', async () => {
    const claim = 'a film that does not play shows its controls';
    const path = ['play', 'pause', 'three seconds'];
    const walked = await failureOf(() => propertyTest(playerModel, { machine: blinkingPlayer, runs: 1_000 }));
    expect(walked).toMatchObject({ claim, problem: 'hidden, and the film is "paused"', path });
    replayPath(playerModel, walked.fixture);
  });

  it('has a model that notices when any line of it is wrong', async () => {
    const waived = { 'player.film.playing exit: without keepPlace': 'what the app keeps is not the model’s' };
    const { survived, verdicts } = await mutationTest(playerModel, { waived });
    expect([survived, verdicts.filter(({ fate }) => fate === 'survived')]).toEqual([0, []]);
  });
});
