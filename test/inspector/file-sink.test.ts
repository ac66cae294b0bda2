/** A recording that is written to a file while the app runs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActor, assign, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sceneAt } from '../../src/recording/scene.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { expectReplay } from '../../src/testing/replay/expect-replay.js';
import { recording, watch } from './watching.js';

const counter = setup({ types: { context: {} as { count: number }, events: {} as { type: 'up'; by: string } } }).createMachine({
  id: 'counter',
  context: { count: 0 },
  on: { up: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'espalier-file-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function attached(): { live: ReturnType<typeof recording>['live']; faults: unknown[]; actor: AnyActorRef } {
  const { live, faults } = recording();
  const actor = createActor(counter, { id: 'c' }) as AnyActorRef;
  live.attach(actor);
  actor.start();
  onTestFinished(() => {
    actor.stop();
  });
  return { live, faults, actor };
}

describe('a recording file', () => {
  it('has all lines in order when it is stopped, opens without the app, and replays', async () => {
    const { live, actor } = attached();
    const path = join(folder(), 'a.ndjson');
    const file = live.toFile(path);
    for (let n = 0; n < 1_000; n++) actor.send({ type: 'up', by: 'é'.repeat(n % 50) });
    const outcome = await file.stop();
    const text = readFileSync(path, 'utf8');
    expect(outcome).toEqual({ ok: true, bytes: Buffer.byteLength(text), lines: 2_003, cut: null });
    expect(live.isWatched).toBe(false);
    const read = parseRecording(text);
    expect(sceneAt(read.lines).actors.get('c')).toMatchObject({ context: { count: 1_000 }, counts: { transitions: 1_000 } });
    expect(expectReplay(read, { machines: [counter] })).toMatchObject({ transitions: 1_000, cut: null });
    expect(await file.stop()).toBe(outcome);
  });

  it('that is full is ended, says so, and opens', async () => {
    const { live, actor } = attached();
    const path = join(folder(), 'a.ndjson');
    const file = live.toFile(path, { maxBytes: 65_536 });
    for (let n = 0; n < 1_000; n++) actor.send({ type: 'up', by: 'x'.repeat(100) });
    expect(await file.ended).toMatchObject({ ok: true, cut: 'maxBytes (65536) is reached' });
    expect(Buffer.byteLength(readFileSync(path))).toBeLessThanOrEqual(65_536);
    expect(parseRecording(readFileSync(path, 'utf8')).cut).toMatchObject({ why: 'maxBytes (65536) is reached' });
    expect(live.isWatched).toBe(false);
    expect(actor.getSnapshot()).toMatchObject({ context: { count: 1_000 } });
  });

  it('that cannot be written says so, and neither the app nor another viewer notices', async () => {
    const { live, faults, actor } = attached();
    const { of } = watch(live);
    const file = live.toFile(join(folder(), 'no', 'such', 'folder'));
    actor.send({ type: 'up', by: 'x' });
    expect(await file.ended).toMatchObject({ ok: false, reason: { code: 'ENOENT' } });
    expect(faults).toMatchObject([{ code: 'ENOENT' }]);
    actor.send({ type: 'up', by: 'x' });
    expect(of('@xstate.transition')).toHaveLength(2);
    expect(await file.stop()).toMatchObject({ ok: false });
  });

  it('leaves out what a slow disk has no room for, says how much, and goes on with all that there is', async () => {
    const { live, actor } = attached();
    const path = join(folder(), 'a.ndjson');
    const file = live.toFile(path, { maxBytes: 1024 * 1024 * 1024 });
    // In one turn of the event loop: nothing can be written meanwhile.
    for (let n = 0; n < 3_000; n++) actor.send({ type: 'up', by: 'x'.repeat(4_000) });
    await caughtUp(live);
    actor.send({ type: 'up', by: 'after' });
    await file.stop();
    const { lines, cut } = parseRecording(readFileSync(path, 'utf8'));
    expect(cut).toBeNull();
    const gap = lines.find((line) => line.type === '@espalier.dropped');
    expect(gap).toMatchObject({ why: 'the disk was too slow' });
    expect(gap?.type === '@espalier.dropped' && gap.count).toBeGreaterThan(1_000);
    expect(sceneAt(lines).actors.get('c')).toMatchObject({ context: { count: 3_001 } });
  });

  /** The file asks for a keyframe when its disk has caught up. */
  function caughtUp(live: { keyframe(): unknown }): Promise<void> {
    const ask = live.keyframe.bind(live);
    return new Promise((resolve) => {
      live.keyframe = () => {
        resolve();
        return ask();
      };
    });
  }

  it('of a disposed recorder is written to its end', async () => {
    const { live, actor } = attached();
    const path = join(folder(), 'a.ndjson');
    live.toFile(path);
    actor.send({ type: 'up', by: 'x' });
    await live.dispose();
    expect(parseRecording(readFileSync(path, 'utf8')).cut).toBeNull();
  });
});
