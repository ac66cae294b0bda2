/** Sinks that answer: everybody is told in one order. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sceneAt } from '../../src/recording/scene.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { recording, reread, watch } from './watching.js';

const machine = createMachine({
  id: 'm',
  initial: 'a',
  states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
  on: { alert: {} },
});

function attached(): { live: ReturnType<typeof recording>['live']; faults: unknown[]; actor: AnyActorRef } {
  const { live, faults } = recording();
  const actor = createActor(machine, { id: 'm' }) as AnyActorRef;
  live.attach(actor);
  actor.start();
  onTestFinished(() => {
    actor.stop();
  });
  return { live, faults, actor };
}

it('a sink that sends from within is answered after, and the lines of all others stay in order', async () => {
  const { live, faults, actor } = attached();
  const first: number[] = [];
  let alerts = 0;
  const answering = live.subscribe({
    lines: (lines) => {
      for (const line of lines) {
        first.push(line.seq);
        if (line.type === '@xstate.event' && (line.event as { type: string }).type === 'go' && alerts++ < 2) actor.send({ type: 'alert' });
      }
    },
  });
  onTestFinished(() => answering.dispose());
  const { lines } = watch(live);
  const folder = mkdtempSync(join(tmpdir(), 'espalier-audience-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = live.toFile(join(folder, 'a.ndjson'));
  for (let n = 0; n < 3; n++) actor.send({ type: 'go' });
  expect(await file.stop()).toMatchObject({ ok: true, cut: null });
  for (const seqs of [first, lines.map(({ seq }) => seq)]) expect(seqs).toEqual([...seqs].sort((left, right) => left - right));
  expect(lines.filter(({ type }) => type === '@xstate.event')).toHaveLength(5);
  expect(sceneAt(reread(live, lines).lines).actors.get('m')).toMatchObject({ value: 'b' });
  const read = parseRecording(readFileSync(join(folder, 'a.ndjson'), 'utf8'));
  expect(sceneAt(read.lines).actors.get('m')).toMatchObject({ value: 'b', counts: { transitions: 5 } });
  expect(faults).toEqual([]);
});

it('one who comes while lines wait has them in what he begins with, and not again', () => {
  const { live, actor } = attached();
  let late: ReturnType<typeof watch> | undefined;
  watch({
    subscribe: (_sink: unknown, options: object) =>
      live.subscribe(
        {
          lines: ([line]) => {
            if (late !== undefined || line?.type !== '@xstate.event') return;
            actor.send({ type: 'alert' });
            late = watch(live);
          },
        },
        options,
      ),
  } as never);
  const { lines } = watch(live);
  actor.send({ type: 'go' });
  const begin = late?.lines[0];
  const after = late?.lines.filter(({ type }) => type === '@xstate.event' || type === '@xstate.transition') ?? [];
  expect(begin?.type).toBe('@espalier.keyframe');
  expect(after.length).toBeGreaterThan(0);
  for (const { seq } of after) expect(seq).toBeGreaterThan(begin?.seq ?? Infinity);
  expect(sceneAt(late?.lines ?? []).actors.get('m')?.value).toBe(sceneAt(lines).actors.get('m')?.value);
});

it('a sink that answers each of its own lines is told nothing more at some point, and the others go on', () => {
  const { live, faults, actor } = attached();
  const endless = live.subscribe({ lines: () => actor.send({ type: 'alert' }) });
  onTestFinished(() => endless.dispose());
  const { lines } = watch(live);
  actor.send({ type: 'go' });
  const last = lines.at(-1)?.seq ?? 0;
  expect(faults[0]).toMatchObject({
    code: 'inspector/endless-sink',
    message: expect.stringContaining('a sink that answers a line with at most 20000'),
  });
  expect(faults).toHaveLength(1);
  actor.send({ type: 'go' });
  expect(lines.at(-1)?.seq).toBe(last + 2);
});
