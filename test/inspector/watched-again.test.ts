/** Somebody looks, goes, and another comes: what he is given of the past can be read. */
import { describe, expect, it } from 'vitest';
import { createActor, setup, spawnChild, stopChild } from 'xstate';
import { recorder } from '../../src/inspector/recorder.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import type { RecordedLine } from '../../src/wire/recording/lines.js';

const child = setup({}).createMachine({ id: 'child' });
const nursery = setup({ actors: { child } }).createMachine({
  id: 'nursery',
  on: { come: { actions: spawnChild('child', { id: 'one' }) }, go: { actions: stopChild('one') }, tick: {} },
});

describe('the past of one who comes later', () => {
  it('is whole by its numbers, whoever has watched in between', async () => {
    await using seen = recorder();
    const actor = createActor(nursery);
    seen.attach(actor);
    actor.start();
    for (let round = 0; round < 3; round++) {
      actor.send({ type: 'come' });
      actor.send({ type: 'go' });
      const watching = seen.subscribe({ lines: () => undefined });
      for (let tick = 0; tick < 5; tick++) actor.send({ type: 'tick' });
      watching.dispose();
    }
    let past: readonly RecordedLine[] | undefined;
    seen.subscribe({ lines: (lines) => (past ??= lines) }, { history: true }).dispose();
    const lines = past ?? [];
    const text = [seen.head, ...lines, { type: 'end', lines: lines.length, cut: null }].map((line) => JSON.stringify(line)).join('\n');
    expect(parseRecording(text).lines).toHaveLength(lines.length);
    expect(lines.filter(({ type }) => type === '@espalier.dropped').length).toBeGreaterThan(1);
    actor.stop();
  });
});
