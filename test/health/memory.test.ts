/** What a monitor knows is handed on to its successor; below one parent not without a bound. */
import { expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { memoryOf } from '../../src/health/memory.js';
import { createChild, stopActor } from '../../src/supervision/xstate-internals.js';
import { idle } from './health-world.js';

const plan = {};

function family() {
  const parent: AnyActorRef = createActor(idle).start();
  return (id: string): { readonly owner: AnyActorRef; readonly memory: object; end(): void } => {
    const owner = createChild(idle, { parent, id });
    owner.start();
    return { owner, memory: memoryOf(owner, plan, () => ({})), end: () => stopActor(owner) };
  };
}

it('is handed on from one that has ended, to one of its id', () => {
  const begin = family();
  const first = begin('a');
  expect(memoryOf(first.owner, plan, () => ({}))).toBe(first.memory);
  expect(begin('a').memory, 'while the first runs').not.toBe(first.memory);
  const second = begin('b');
  second.end();
  expect(begin('c').memory).not.toBe(second.memory);
  expect(begin('b').memory).toBe(second.memory);
});

it('is forgotten of who has ended longest ago, where there were a thousand since, and of nobody who runs', () => {
  const begin = family();
  const running = begin('running');
  const first = begin('first');
  first.end();
  const others = Array.from({ length: 1_000 }, (_, n) => begin(`other ${n}`));
  expect(begin('first').memory).not.toBe(first.memory);
  const last = others.at(-1);
  last?.end();
  expect(begin('other 999').memory).toBe(last?.memory);
  running.end();
  expect(begin('running').memory).toBe(running.memory);
});
