/** A recording that is written to a file while the app runs. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActor, assign, createMachine, setup, type AnyActorRef } from 'xstate';
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
    expect(outcome).toEqual({ ok: true, bytes: Buffer.byteLength(text), lines: 2_003, cut: null, dropped: 0 });
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

  it.each(['before it is begun', 'when it is nearly full'])('with no room for all that there is, %s, has none of it, and opens', async (when) => {
    const { live, actor } = attached();
    const large = createMachine({ id: 'large', context: { text: 'x'.repeat(3_000) } });
    const join40 = (): void => {
      for (let n = 0; n < 40; n++) {
        const one = createActor(large, { id: `large-${n}` }).start() as AnyActorRef;
        onTestFinished(() => {
          one.stop();
        });
        live.attach(one);
      }
    };
    if (when === 'before it is begun') join40();
    const path = join(folder(), 'a.ndjson');
    const file = live.toFile(path, { maxBytes: 65_536 });
    if (when !== 'before it is begun') {
      while (file.bytes < 40_000) actor.send({ type: 'up', by: 'x'.repeat(100) });
      join40();
    }
    expect(await file.ended).toMatchObject({ ok: true, cut: 'maxBytes (65536) is reached' });
    const read = parseRecording(readFileSync(path, 'utf8'));
    expect(read.cut).toMatchObject({ why: 'maxBytes (65536) is reached' });
    expect(sceneAt(read.lines).actors.has('c')).toBe(when !== 'before it is begun');
  });

  it('is for who has made it, and nobody else', async () => {
    const { live } = attached();
    const path = join(folder(), 'a.ndjson');
    await live.toFile(path).stop();
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('is for nobody else, also where it was there before', async () => {
    const { live } = attached();
    const path = join(folder(), 'a.ndjson');
    writeFileSync(path, 'of an earlier run');
    chmodSync(path, 0o644);
    await live.toFile(path).stop();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('listens to the exit of the process while it is open, once for all files', async () => {
    const { live } = attached();
    const before = process.listenerCount('exit');
    const files = ['a', 'b', 'no/such'].map((name) => live.toFile(join(folder(), name)));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await Promise.all(files.map((file) => file.stop()));
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('that cannot be written says so, however soon it is stopped', async () => {
    const { live, faults } = attached();
    const file = live.toFile(join(folder(), 'no', 'such', 'folder'));
    expect(await file.stop()).toMatchObject({ ok: false, reason: { code: 'ENOENT' } });
    expect(faults).toMatchObject([{ code: 'ENOENT' }]);
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

  it('that is stopped while its disk is behind says what it lacks', async () => {
    const { live, actor } = attached();
    const path = join(folder(), 'a.ndjson');
    const file = live.toFile(path);
    for (let n = 0; n < 3_000; n++) actor.send({ type: 'up', by: 'x'.repeat(4_000) });
    const outcome = await file.stop();
    expect(outcome).toMatchObject({ ok: true, cut: 'the disk was too slow' });
    const { lines, cut } = parseRecording(readFileSync(path, 'utf8'));
    const dropped = live.seq - (lines.at(-1)?.seq ?? 0);
    expect(dropped).toBeGreaterThan(1_000);
    expect(cut).toEqual({ why: 'the disk was too slow', dropped });
    expect(outcome).toMatchObject({ dropped, lines: lines.length });
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
    const { lines, cut } = parseRecording(readFileSync(path, 'utf8'));
    expect(cut).toBeNull();
    // Taken off is not ended.
    expect(sceneAt(lines).actors.get('c')).toMatchObject({ exit: null, context: { count: 1 } });
    const late = live.toFile(join(folder(), 'b.ndjson'));
    expect(await late.ended).toMatchObject({ ok: true, cut: null });
  });
});
