/** What delegations take for an answer, and which of their questions are the same. */
import { describe, expect, it } from 'vitest';
import type { DelegationEnd, DelegationQuestion, DelegationResult } from '../../machines/coordination/delegation-events.js';
import { delegation } from '../../src/coordination/delegation.js';
import { run } from './protocol-room.js';
import type { Script } from './scripted-agents.js';

const answers =
  (result: unknown): Script =>
  (body) => {
    const { ask } = body as DelegationQuestion;
    return ask === 'delegate' ? { accept: true } : ask === 'work' ? { result } : { approve: true };
  };
const one = { name: 'north', agents: ['ann', 'bob', 'eve'] };
const three = { ann: answers(1), bob: answers(2), eve: answers(3) };

describe('a delegation', () => {
  it.each([
    ['a NaN', Number.NaN],
    ['a Date', new Date(0)],
    ['a Map', new Map([[1, 2]])],
  ])('takes %s for no result, and makes nothing else of it', async (_, result) => {
    const { end } = await run<DelegationEnd>(delegation({ clusters: [one], required: 'any' }), { ...three, bob: answers(result) });
    expect(end).toMatchObject({ outcome: 'decided', value: { value: [{ part: 'north', value: [{ part: 'eve', value: 3 }] }] } });
    expect((end as { value: DelegationResult }).value.agents[1]).toMatchObject({ agent: 'bob', work: 'invalid', result: null });
  });

  it('asks something else under another key, however deep the difference', async () => {
    const within = (levels: number, core: unknown): unknown => Array.from({ length: levels }).reduce((inner: unknown) => [inner], core);
    const keys = async (core: unknown): Promise<readonly (string | undefined)[]> => {
      const scripts = { ...three, bob: answers(within(99, core)) };
      const { end, agents } = await run<DelegationEnd>(delegation({ clusters: [one], task: within(99, core) }), scripts);
      expect(end.outcome).toBe('decided');
      return agents.asked.map(({ key }) => key);
    };
    const [first, other] = [await keys(1), await keys(2)];
    expect(first).toHaveLength(4);
    expect(first.filter((key) => other.includes(key))).toEqual([]);
  });
});
