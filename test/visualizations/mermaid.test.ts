import { and, fromPromise, not, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { diagramPage, mermaid } from '../../visualizations/diagrams/mermaid.js';

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

describe('the diagram of a machine', () => {
  it('shows states, guards, delays, invoked actors, tags and descriptions', () => {
    expect(mermaid(walkMachine)).toBe(
      [
        'stateDiagram-v2',
        '  [*] --> resting',
        '  state "resting" as resting',
        '  resting : Nothing #34;moves#34;#58; yet.',
        '  resting : tags accepting, calm',
        '  resting : note [isReady]',
        '  state "walking · invokes legs (work)" as walking {',
        '    [*] --> walking_slow',
        '    state "slow" as walking_slow',
        '    state "fast" as walking_fast',
        '    walking_fast : stop → walking',
        '    state "H" as walking_past',
        '    state "in any state" as walking_any',
        '  }',
        '  state "end" as end_',
        '  end_ --> [*]',
        '  state "in any state" as walk_any',
        '  walk_any : note',
        '  walk_any --> end_ : halt',
        '  resting --> walking : go [isReady && !isTired]<br/>after patience',
        '  resting --> end_ : after 50 ms',
        '  walking_any --> walking_slow : stop',
        '  walking --> resting : stop [isTired]<br/>legs done',
        '  walking --> end_ : done<br/>legs failed',
        '  walking_slow --> walking_fast : always [isReady]',
        '',
      ].join('\n'),
    );
  });

  it('draws the regions of a parallel machine apart', () => {
    const twoMachine = setup({}).createMachine({ id: 'two', type: 'parallel', states: { left: { initial: 'a', states: { a: {} } }, right: {} } });
    expect(mermaid(twoMachine)).toBe(
      [
        'stateDiagram-v2',
        '  state "two" as two {',
        '    state "left" as left {',
        '      [*] --> left_a',
        '      state "a" as left_a',
        '    }',
        '    --',
        '    state "right" as right',
        '  }',
        '',
      ].join('\n'),
    );
  });

  it('is the same text every time', () => {
    expect(mermaid(walkMachine)).toBe(mermaid(walkMachine));
  });

  it('stands on a page that says where it comes from', () => {
    const page = diagramPage(walkMachine);
    expect(page).toMatch(/^# walk\n\nDrawn from the machine by `npm run draw`/);
    expect(page).toContain('A walk: there; and back');
    expect(page).toMatch(/```mermaid\nstateDiagram-v2\n[\s\S]*```\n$/);
  });
});
