/** What a model of ours asks runs beneath the turn that asks: in the conversation's own tree and time, and no longer than the turn. */
import { expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf, parentOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { conversation } from '../../src/tools/conversation.js';
import { generateModel } from '../../src/tools/generate-model.js';
import { interactionsModel } from '../../src/tools/interactions-model.js';
import { settle } from '../gate/gate-world.js';
import { Wire } from '../stream/wire.js';

const models: Readonly<Record<string, readonly [(fetch: typeof globalThis.fetch) => unknown, path: string]>> = {
  'a streamed generation': [(fetch) => generateModel({ model: 'm', fetch }), 'request < stream < turn'],
  'a whole generation': [(fetch) => generateModel({ model: 'm', fetch, streamed: false }), 'request < stream < turn'],
  'an interaction': [(fetch) => interactionsModel({ request: { model: 'm' }, fetch }), 'request < stream < exchange < interaction < turn'],
};

const endings: Readonly<Record<string, (ref: AnyActorRef) => void>> = {
  'is cancelled': (ref) => ref.send({ type: 'conversation.cancel' }),
  'is killed': (ref) => exit(ref, 'kill'),
  'is stopped': (ref) => exit(ref, 'shutdown'),
  'loses its turn': (ref) => exit(childrenOf(ref).find(({ id }) => id === 'turn') as AnyActorRef, 'kill'),
};

const table = Object.entries(models).flatMap(([what, [model, path]]) =>
  Object.entries(endings).map(([how, end]) => ({ what, model, path, how, end })),
);

it.each(table)('$what is beneath its turn, and ends when the conversation $how', async ({ end, model, path }) => {
  const [clock, wire] = [new VirtualClock(), new Wire()];
  const actors: AnyActorRef[] = [];
  const logic = conversation({ model: model(wire.fetch) as never, input: 'hi' });
  const root = createActor(logic, {
    clock,
    inspect: ({ actorRef, type }) => {
      if (type === '@xstate.actor') actors.push(actorRef as AnyActorRef);
    },
  });
  root.subscribe({ error: () => undefined });
  root.start();
  const asked = await wire.next();
  const names: string[] = [];
  for (let at = actors.find(({ id }) => id === 'request'); at !== undefined && at !== root; at = parentOf(at)) names.push(at.id);
  expect(names.join(' < ')).toBe(path);
  end(root);
  await settle();
  expect(asked.isCancelled).toBe(true);
  expect(actors.filter((actor) => (actor.getSnapshot() as { status?: string }).status === 'active').map(({ id }) => id)).toEqual([]);
  expect(clock.pending()).toBe(0);
});

it('has no gate of its own: with two, one would wait for what the other holds', () => {
  const gate = { gate: () => undefined, key: 'm' } as never;
  const refused = expect.objectContaining({ code: 'tools/invalid-options' }) as Error;
  expect(() => generateModel({ model: 'm', gate } as never)).toThrow(refused);
  expect(() => interactionsModel({ request: { model: 'm' }, gate } as never)).toThrow(refused);
});
