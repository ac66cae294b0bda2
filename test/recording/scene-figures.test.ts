/** The figures of a scene that pages draw: the budget of a supervisor within its window, and how often each edge was taken. */
import { describe, expect, it } from 'vitest';
import { budgetOf, sceneAt, type SceneActor, type SceneBudget } from '../../src/recording/scene.js';
import type { LogicKind } from '../../src/wire/recording/lines.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';
import { made, machine, numbered, sent } from '../inspector-page/lines.js';

/** The budget, at a moment, of an actor with such a context. */
function budget(at: number, context: Portable, logic: LogicKind = 'supervisor'): SceneBudget | null {
  const app = sceneAt(numbered(machine('app', 0, context, { logic }))).actors.get('app');
  return budgetOf(app as SceneActor, at);
}

describe('the budget of a supervisor', () => {
  const settings = { intensity: 3, periodMs: 5_000 };

  it.each([
    ['all of them', 9_000, 3],
    ['one that lies just at the edge', 9_100, 3],
    ['one that has left it no longer', 9_101, 2],
    ['the newest alone', 13_500, 1],
    ['none, though their times are still remembered', 14_001, 0],
  ])('counts of the restarts those within the window: %s', (_, at, used) => {
    expect(budget(at, { ...settings, restarts: [9_000, 8_400, 4_100] })).toEqual({ ...settings, used, retries: [], waiting: 0 });
  });

  it('measures by the window of this supervisor', () => {
    const restarts = [9_000, 8_400, 4_100];
    expect([100, 1_000, 60_000].map((periodMs) => budget(9_050, { intensity: 3, periodMs, restarts })?.used)).toEqual([1, 2, 3]);
  });

  it('says who waits for the next attempt until when, and how many messages wait', () => {
    const children = [
      { spec: { id: 'a' }, retryAt: 6_700 },
      { spec: { id: 'b' }, retryAt: null },
    ];
    const context = { ...settings, restarts: [], children, retrying: { c: { retryAt: 8_000 } }, mailbox: [{ type: 'x' }, { type: 'y' }] };
    const retries = [
      { id: 'a', dueAt: 6_700 },
      { id: 'c', dueAt: 8_000 },
    ];
    expect(budget(5_000, context)).toEqual({ ...settings, used: 0, retries, waiting: 2 });
  });

  it('is known of nobody else, and of no supervisor whose context is not known', () => {
    const context = { ...settings, restarts: [1] };
    expect([budget(1, context, 'machine'), budget(1, null), budget(1, { $cut: 'too long' })]).toEqual([null, null, null]);
  });
});

describe('the count of an edge', () => {
  it('grows each time that the edge is taken, also twice in one transition', () => {
    const lines = numbered(
      machine('a', 0, null),
      ...[['go'], ['back'], ['go'], ['go', 'back', 'go']].flatMap((taken, index) => [
        sent('a', index, 'x'),
        made('a', index, index * 2 + 2, { taken }),
      ]),
    );
    const counts = [3, 5, 7, 9].map((seq) => sceneAt(lines, seq).actors.get('a')?.counts.edges);
    expect(counts).toEqual([{ go: 1 }, { go: 1, back: 1 }, { go: 2, back: 1 }, { go: 4, back: 2 }]);
  });
});
