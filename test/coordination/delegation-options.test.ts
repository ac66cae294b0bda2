/** Delegations that cannot be meant are refused before anything starts, and say where, what was expected and what came. */
import { describe, expect, it } from 'vitest';
import { delegation } from '../../src/coordination/delegation.js';
import type { DelegationOptions } from '../../src/coordination/delegation-options.js';

const one = { name: 'north', agents: ['ann', 'bob', 'eve'] };

describe('misuse of a delegation', () => {
  const refused = (options: unknown, code: string, ...words: string[]): void => {
    let thrown: unknown;
    try {
      delegation(options as DelegationOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code });
    for (const word of words) expect(JSON.stringify((thrown as { details: unknown }).details)).toContain(word);
  };

  it('a circle is refused, told by itself or by its names', () => {
    const south: { name: string; agents: string[]; clusters: unknown[] } = { name: 'south', agents: ['joe'], clusters: [] };
    south.clusters.push({ name: 'coast', agents: ['kim'], clusters: [south] });
    refused({ clusters: [one, south] }, 'delegation/circular', 'clusters[1].clusters[0].clusters[0]', 'clusters[1] again');
    const named = { name: 'a', agents: ['joe'], clusters: [{ name: 'b', agents: ['kim'], clusters: [{ name: 'a', agents: ['lea'] }] }] };
    refused({ clusters: [named] }, 'delegation/circular', 'clusters[0].clusters[0].clusters[0].name', 'that of clusters[0]');
  });

  it('a name in two places is refused, whosever it is', () => {
    refused(
      { clusters: [one, { name: 'south', agents: ['joe', 'ann'] }] },
      'delegation/named-twice',
      'clusters[1].agents[1]',
      'clusters[0].agents[0]',
    );
    refused({ clusters: [{ name: 'n', agents: ['ann', 'ann'] }] }, 'delegation/named-twice');
    refused({ clusters: [one, { name: 'north', agents: ['joe'] }] }, 'delegation/named-twice', 'clusters[1].name');
    refused({ clusters: [one, { name: 'ann', agents: ['joe'] }] }, 'delegation/named-twice');
  });

  it('too many levels, and too many beneath one, are refused', () => {
    const deep = (levels: number): object => ({
      name: `c${levels}`,
      agents: [`a${levels}`],
      ...(levels > 1 ? { clusters: [deep(levels - 1)] } : {}),
    });
    delegation({ clusters: [deep(5)] as never });
    refused({ clusters: [deep(6)] }, 'delegation/too-large', 'at most 5 levels', 'level 6');
    delegation({ clusters: [deep(6)] as never, maxDepth: 6 });
    const wide = (count: number): object => ({ name: 'c', agents: Array.from({ length: count }, (_, nth) => `a${nth}`) });
    delegation({ clusters: [wide(100)] as never });
    refused({ clusters: [wide(101)] }, 'delegation/too-large', 'at most 100', '101');
    refused(
      { clusters: Array.from({ length: 3 }, (_, nth) => ({ name: `c${nth}`, agents: [`a${nth}`] })), maxWidth: 2 },
      'delegation/too-large',
      '3',
    );
    refused({ clusters: [{ name: 'x', agents: ['a'], clusters: [wide(1), { ...wide(1), name: 'd' }] }], maxWidth: 2 }, 'delegation/too-large');
    refused({ clusters: [wide(1_000)], maxWidth: 1_000 }, 'delegation/too-large', '1000 agents and clusters in all');
  });

  it.each<[string, object]>([
    ['no clusters', {}],
    ['none of them', { clusters: [] }],
    ['no list of them', { clusters: one }],
    ['a cluster that is none', { clusters: ['north'] }],
    ['one without a name', { clusters: [{ agents: ['ann'] }] }],
    ['one that nobody can represent', { clusters: [{ name: 'north', agents: [] }] }],
    ['an agent without a name', { clusters: [{ name: 'north', agents: [''] }] }],
    ['a word of a cluster that nobody knows', { clusters: [{ ...one, leader: 'ann' }] }],
    ['clusters below that are no list', { clusters: [{ ...one, clusters: 'coast' }] }],
    ['a task that is no JSON', { clusters: [one], task: 1n }],
    ['a rule that there is not', { clusters: [one], combine: 'best' }],
    ['the rule that is for functions', { clusters: [one], combine: 'function' }],
    ['a coordinator that is represented', { clusters: [one], combine: 'representative' }],
    ['a share of more than all', { clusters: [one], required: { quorum: 1.5 } }],
    ['a share that is none', { clusters: [one], required: { quorum: 'half' } }],
    ['a requirement that there is not', { clusters: [one], required: 'most' }],
    ['more levels than there are', { clusters: [one], levels: [{}, {}, {}] }],
    ['levels that are no list', { clusters: [one], levels: {} }],
    ['a time where nobody is asked', { clusters: [one], levels: [{ withinMs: 5 }] }],
    ['replacements where nobody is asked', { clusters: [one], levels: [{ replacements: 0 }] }],
    ['less than no replacements', { clusters: [one], replacements: -1 }],
    ['a succession that there is not', { clusters: [one], succession: 'random' }],
    ['levels that have more time than all', { clusters: [one], deadlineMs: 100, levels: [{}, { withinMs: 30 }] }],
    ['no time left for work', { clusters: [one], deadlineMs: 40, levels: [{}, { withinMs: 10 }] }],
    ['more depth than may be', { clusters: [one], maxDepth: 17 }],
    ['more width than may be', { clusters: [one], maxWidth: 1_001 }],
    ['no bytes', { clusters: [one], maxBytes: 0 }],
    ['a word that nobody knows', { clusters: [one], rule: 'sum' }],
  ])('is refused: %s', (_, options) => {
    refused(options, 'delegation/invalid-options');
  });
});
