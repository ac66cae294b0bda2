/** The subjects of the inspect benchmark take every event, and those that watch have seen it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createActor, type AnyActorRef } from 'xstate';
import { expect, test } from 'vitest';
import { peersFolder } from '../../bench/install-peers.js';
import { noOp, nothing, toFile, unwatched, watched } from '../../bench/inspect/espalier.js';
import { conversation, event, nursery, type Subject } from '../../bench/inspect/subject.js';
import { costOfLife, inspectBench } from '../../bench/inspect.js';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';

const peers = peersFolder();
const isInstalled = existsSync(join(peers, 'node_modules', '@statelyai', 'inspect'));

function stateOf(actor: AnyActorRef): unknown {
  const { context, value } = actor.getSnapshot() as { context: { messages: readonly unknown[]; tokens: number }; value: string };
  return { value, messages: context.messages.length, hasTokens: context.tokens > 0 };
}

test.each([nothing, unwatched, noOp, watched, toFile])('an actor that $name looks at takes every event', async (subject: Subject) => {
  const { actor, watcher } = subject.open(conversation(), 10);
  for (let n = 0; n < 101; n++) actor.send(event(n));
  expect(stateOf(actor)).toEqual({ value: 'busy', messages: 10, hasTokens: true });
  await watcher.settle?.();
  actor.stop();
  await watcher.close();
});

test('a file that lacks lines is no figure', async () => {
  const { actor, watcher } = toFile.open(conversation(), 10);
  // In one turn: nothing can be written meanwhile.
  for (let n = 0; n < 20_000; n++) actor.send(event(n));
  await expect(watcher.settle?.()).rejects.toThrow('the file is not whole: the disk was too slow');
  actor.stop();
  await watcher.close();
});

test('a file that is let breathe is whole, however many events come', async () => {
  const { actor, watcher } = toFile.open(conversation(), 10);
  for (let n = 0; n < 20_000; n++) {
    actor.send(event(n));
    if (n % 500 === 499) await watcher.breathe?.();
  }
  await watcher.settle?.();
  actor.stop();
  await watcher.close();
});

test('births and deaths of a file are let breathe, too', async () => {
  // As many as a full run has.
  expect(await costOfLife(toFile, 20_000)).toBeGreaterThan(0);
});

test.runIf(isInstalled)('@statelyai/inspect has dealt with every event when it has settled', async () => {
  const { statelyai } = (await import(/* @vite-ignore */ pathToFileURL(join(peers, 'statelyai-inspect.js')).href)) as {
    statelyai: { open(...args: unknown[]): { actor: AnyActorRef; watcher: { settle(): Promise<void>; close(): void; count(): number } } };
  };
  const { actor, watcher } = statelyai.open(conversation(), 10, createActor);
  for (let n = 0; n < 101; n++) actor.send(event(n));
  await watcher.settle();
  // The actor, and for each event the event and the snapshot; those of the start too.
  expect(watcher.count()).toBe(1 + 2 * 102);
  actor.stop();
  await watcher.settle();
  watcher.close();
});

test('the limits hold a recorder to nothing attached, and a watched one to a no-op inspector, for each size of context and for births and deaths', () => {
  const row = (subject: string, size: number, us: number): Row => ({
    bench: 'inspect',
    subject,
    metric: `an event, ${size} messages in the context`,
    unit: 'µs',
    median: us,
    p25: us,
    p75: us,
  });
  const rows = [10, 500].flatMap((size) => [
    row('nothing', size, 100),
    row('recorder-unwatched', size, size === 10 ? 102 : 103),
    row('no-op-inspector', size, size === 10 ? 200 : 160),
    row('recorder-watched', size, size === 10 ? 251 : 250),
  ]);
  const lives = [row('nothing', 0, 20), row('recorder-unwatched', 0, 41)].map((one) => ({ ...one, metric: 'a birth and a death' }));
  expect(judge(inspectBench.limits, [...rows, ...lives]).map(({ holds }) => holds)).toEqual([true, true, false, false, false, true, false]);
});

test.each([nothing, unwatched, noOp, watched, toFile])('a nursery that $name looks at has children and loses them', async (subject: Subject) => {
  const { actor, watcher } = subject.open(nursery(), 0);
  const children = (): string[] => Object.keys((actor.getSnapshot() as { children: object }).children);
  for (const id of ['a', 'b']) actor.send({ type: 'born', id });
  expect(children()).toEqual(['a', 'b']);
  actor.send({ type: 'gone', id: 'a' });
  expect(children()).toEqual(['b']);
  await watcher.settle?.();
  actor.stop();
  await watcher.close();
});
