import { and, fromPromise, not, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { type ChartDefinition, definitionOf } from '../../src/charts/definition.js';
import { mermaidOf } from '../../src/charts/mermaid.js';

const probe = setup({
  types: { events: {} as { type: 'go' | 'stop' | 'note' | 'halt' } },
  actors: { work: fromPromise(() => Promise.resolve(1)) },
  guards: { isReady: () => true, isTired: () => false },
  delays: { patience: 100 },
});

const walkMachine = probe.createMachine({
  id: 'walk',
  description: 'A walk: there; and back',
  initial: 'resting',
  on: { halt: '.end', note: {} },
  states: {
    resting: {
      description: 'Nothing "moves": yet.',
      tags: ['calm', 'accepting'],
      on: { go: { guard: and(['isReady', not('isTired')]), target: 'walking' }, note: { guard: 'isReady' } },
      after: { patience: 'walking', 50: 'end' },
    },
    walking: {
      invoke: { id: 'legs', src: 'work', onDone: 'resting', onError: { target: 'end' } },
      initial: 'slow',
      states: {
        slow: { always: { guard: { type: 'isReady' }, target: 'fast' } },
        fast: { on: { stop: { target: '#walk.walking', reenter: true } } },
        past: { type: 'history' },
      },
      on: { stop: ['.slow', { guard: 'isTired', target: 'resting' }] },
      onDone: 'end',
    },
    end: { type: 'final' },
  },
});

/** States without anything in them; made as data, for `__proto__` is no key of a literal. */
function machineOf(keys: readonly string[]): ChartDefinition {
  const leaf = { tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] };
  const states = keys.map((key, index) => ({ ...leaf, id: `m.${index}`, key, type: 'atomic' as const }));
  return { ...leaf, id: 'm', key: 'm', type: 'compound', states };
}

describe('a machine as Mermaid', () => {
  it('shows states, guards, delays, invoked actors, tags and descriptions', () => {
    expect(mermaidOf(definitionOf(walkMachine)).split('\n')).toEqual([
      'stateDiagram-v2',
      '  [*] --> resting',
      '  state "resting" as resting',
      '  resting : Nothing #34;moves#34;#58; yet.',
      '  resting : tags / calm, accepting',
      '  resting : note [isReady]',
      '  state "walking · invoke legs (work)" as walking {',
      '    [*] --> walking_slow',
      '    state "slow" as walking_slow',
      '    state "fast" as walking_fast',
      '    walking_fast : stop → walking',
      '    state "H" as walking_history',
      '    state "in any state" as walking_any',
      '  }',
      '  state "end" as end_',
      '  end_ --> [*]',
      '  state "in any state" as walk_any',
      '  walk_any : note',
      '  walk_any --> end_ : halt',
      '  resting --> walking : go [isReady && !isTired]<br/>after(patience)',
      '  resting --> end_ : after(50)',
      '  walking_any --> walking_slow : stop',
      '  walking --> resting : stop [isTired]<br/>done(legs)',
      '  walking --> end_ : done<br/>error(legs)',
      '  walking_slow --> walking_fast : always [isReady]',
      '',
    ]);
  });

  it('draws the regions of a parallel machine apart, and before them what it does in any of them', () => {
    const twoMachine = setup({}).createMachine({
      id: 'two',
      type: 'parallel',
      on: { note: { actions: () => undefined } },
      states: { left: { initial: 'a', states: { a: {} } }, right: {} },
    });
    expect(mermaidOf(definitionOf(twoMachine)).split('\n')).toEqual([
      'stateDiagram-v2',
      '  state "two" as two {',
      '    state "in any state" as two_any',
      '    two_any : note',
      '    --',
      '    state "left" as left {',
      '      [*] --> left_a',
      '      state "a" as left_a',
      '    }',
      '    --',
      '    state "right" as right',
      '  }',
      '',
    ]);
  });

  it('is the same text every time', () => {
    expect(mermaidOf(definitionOf(walkMachine))).toBe(mermaidOf(definitionOf(walkMachine)));
  });

  it('gives each state a name of its own, also where their keys are no names', () => {
    const strange = setup({}).createMachine({
      id: 'm',
      initial: '日本',
      states: { 日本: {}, 中国: {}, end: {}, any: {}, m_any: {} },
      on: { x: { actions: () => undefined } },
    });
    const names = [...mermaidOf(definitionOf(strange)).matchAll(/" as (\w+)/gu)].map(([, name]) => name);
    expect(names).toEqual(['__', '___', 'end_', 'any', 'm_any', 'm_any_']);
  });

  it('gives no state a name that Mermaid reads as its own, or that every object of JavaScript has', () => {
    const keys = ['scale', 'href', 'accTitle', 'accDescr', 'stateDiagram', 'constructor', 'toString', '__proto__', 'scales'];
    const names = [...mermaidOf(machineOf(keys)).matchAll(/" as (\w+)/gu)].map(([, name]) => name);
    expect(names).toEqual(keys.map((key) => (key === 'scales' ? key : `${key}_`)));
  });

  it('gives very many states whose keys are no names short names of their own', () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => String.fromCharCode(0x4e00 + index));
    const text = mermaidOf(machineOf(keys));
    const names = [...text.matchAll(/" as (\w+)/gu)].map(([, name]) => name);
    expect(new Set(names).size).toBe(keys.length);
    expect(names.slice(0, 3)).toEqual(['_', '__', '__2']);
    expect(text.length).toBeLessThan(200_000);
  });

  // Each of them was tried with Mermaid 11: it reads the sign as its own, and shows something else or nothing.
  it.each([
    ['%%{init: {}}%%', '#37;%{init#58; {}}#37;%'],
    ['a\\nb', 'a#92;nb'],
    ['**b**', '#42;#42;b#42;#42;'],
    ['a.*b.*', 'a.#42;b.*'],
    ['call.*', 'call.*'],
    ['_i_ a_b', '#95;i#95; a_b'],
    ['`x`', '#96;x#96;'],
    ['$$x$$ $y', '#36;$x#36;$ $y'],
    ['[[fork]] [x]', '#91;[fork#93;] [x]'],
    ['&lt;b a && b', '#38;lt#59;b a && b'],
    [' ', '#160;'],
  ])('shows %j as it is called', (name, written) => {
    const lines = mermaidOf(definitionOf(setup({}).createMachine({ id: 'm', initial: 'a', states: { a: { on: { [name]: {} } } } }))).split('\n');
    expect(lines).toContain(`  a : ${written}`);
  });

  it('has a title for a state whose key is empty, and takes no key for an icon', () => {
    const text = mermaidOf(machineOf(['', 'fa:fa-car']));
    expect(text).toContain('state "#160;" as _');
    expect(text).toContain('state "fa#58;fa-car" as fa_fa_car');
  });
});
