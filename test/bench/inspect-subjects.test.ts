/** The subjects of the inspect benchmark take every event, and those that watch have seen it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createActor, type AnyActorRef } from 'xstate';
import { expect, test } from 'vitest';
import { peersFolder } from '../../bench/install-peers.js';
import { noOp, nothing, toFile, unwatched, watched } from '../../bench/inspect/espalier.js';
import { conversation, event, type Subject } from '../../bench/inspect/subject.js';
import { inspectBench } from '../../bench/inspect.js';
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

test('the limits hold an unwatched recorder to nothing, and a watched one to a no-op inspector, for each size of context', () => {
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
    row('no-op-inspector', size, 200),
    row('recorder-watched', size, size === 10 ? 301 : 300),
  ]);
  expect(judge(inspectBench.limits, rows).map(({ holds }) => holds)).toEqual([true, false, false, true]);
});
