/** The parts of XState that compiled charts lean on: they are there in the installed version, and do what is counted on. */
import { and, assign, createMachine, emit, enqueueActions, not, or, raise, sendTo, spawnChild, stateIn, stopChild } from 'xstate';
import { describe, expect, it } from 'vitest';
import { blankOf, brokenPart, isBuiltinAction, resolveAssign, rootOf, type BuiltinGuard } from '../../src/compiled/xstate-parts.js';

describe('XState', () => {
  it('is as compiled charts take it to be', () => {
    expect(brokenPart()).toBeNull();
  });

  it('marks its own actions by `resolve`, and its own guards by `check`', () => {
    for (const own of [
      assign({}),
      raise({ type: 'x' }),
      emit({ type: 'x' }),
      sendTo('x', { type: 'x' }),
      spawnChild('x'),
      stopChild('x'),
      enqueueActions(() => {}),
    ]) {
      expect(isBuiltinAction(own)).toBe(true);
    }
    for (const other of [() => {}, 'named', { type: 'named' }, null]) expect(isBuiltinAction(other)).toBe(false);
    for (const own of [and([]), or([]), not('x'), stateIn('x')]) expect(typeof (own as unknown as BuiltinGuard).check).toBe('function');
    expect((assign({ a: 1 }) as unknown as { resolve: unknown }).resolve).toBe(resolveAssign);
  });

  it('begins with the root alone', () => {
    const machine = createMachine({
      id: 'm',
      context: ({ input }: { input: number }) => ({ n: input }),
      tags: 'top',
      initial: 'a',
      states: { a: { tags: 'inner' } },
    } as never);
    const blank = blankOf(machine);
    expect([blank._nodes, [...blank.tags], blank.status, blank.context]).toEqual([[rootOf(machine)], ['top'], 'active', {}]);
  });
});
