import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/cli/screen/line-facts.js';
import { printScene } from '../../src/cli/screen/print-scene.js';
import { sceneTrees } from '../../src/cli/screen/scene-tree.js';
import { Scene } from '../../src/recording/scene.js';
import type { RecordedActor, RecordedLine } from '../../src/wire/recording/lines.js';

let seq = 0;
const actor = (path: string, more: Partial<RecordedActor> = {}): RecordedActor => {
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : null;
  const id = path.slice(path.lastIndexOf('/') + 1).replace(/#\d+$/, '');
  const base = { type: '@xstate.actor', seq: ++seq, at: seq, actor: path, parent, id, logic: 'machine', src: null } as const;
  return { ...base, machine: id, from: 'input', replaces: null, run: 1, state: { status: 'active', value: 'ready', context: {} }, ...more };
};
const supervisorState = {
  status: 'active',
  value: { running: 'idle' },
  context: { intensity: 3, periodMs: 5_000, restarts: [seq], children: [], mailbox: [] },
} as const;

const sceneOf = (lines: readonly RecordedLine[]): Scene => {
  const scene = new Scene();
  for (const line of lines) scene.take(line);
  return scene;
};

const lines = (): RecordedLine[] => [
  actor('app', { logic: 'supervisor', state: structuredClone(supervisorState) }),
  actor('app/pool', { logic: 'pool', machine: null, id: 'pool' }),
  actor('app/pool/voice', { machine: 'liveSession', timers: [{ id: 'a', to: 'app', event: 'x', ms: 1, dueAt: 2 }] }),
  { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app/pool/voice', reason: { crash: { $error: { name: 'Error', message: 'no such city' } } } },
  actor('app/pool/voice#2', { machine: 'liveSession', run: 2, replaces: 'app/pool/voice' }),
];

describe('a scene as a tree', () => {
  it('leaves pools out, and who was replaced; shows budgets, restarts and what waits', () => {
    const [tree] = sceneTrees(sceneOf(lines()));
    expect(tree).toEqual({
      name: 'app',
      state: 'running',
      restarts: { count: 1, budget: 3, periodMs: 5_000 },
      about: '',
      children: [{ name: 'voice', state: 'ready', restarts: { count: 1 }, about: 'liveSession', children: [] }],
    });
  });

  it('shows how it ended, of a system that is over', () => {
    const all = [...lines(), { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app/pool/voice#2', reason: 'killed' } as const];
    expect(sceneTrees(sceneOf(all))[0]?.children).toMatchObject([{ name: 'voice', state: 'killed' }]);
    const over = [...all, { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app', reason: 'normal' } as const];
    expect(sceneTrees(sceneOf(over))).toMatchObject([{ name: 'app', state: 'idle' }]);
  });

  it('is printed as lines or as JSON; nobody is somebody to tell of', () => {
    const told: string[] = [];
    const world = { env: {}, isTerminal: false, tell: (text: string) => told.push(text) - told.length };
    printScene(sceneOf(lines()), {}, world);
    expect(told.pop()).toMatch(/^actor +state +restarts\napp +running +1 of 3 in 5 s\n└── voice +ready +1 +liveSession\n$/);
    printScene(sceneOf(lines()), { json: true }, world);
    expect(JSON.parse(told.pop() ?? '')).toMatchObject({ type: 'scene', actors: [{ path: 'app', budget: { used: 1 } }, {}, {}, {}] });
    printScene(new Scene(), {}, world);
    expect(told.pop()).toBe('nobody\n');
  });
});

describe('lines as facts', () => {
  it('tell who started again and who ended, and why; dead letters; what nobody handled; what was left out', () => {
    const news: RecordedLine[] = [
      ...lines(),
      { type: '@xstate.event', seq: ++seq, at: seq, actor: 'app/pool/voice', source: null, event: { type: 'HELLO' }, dead: true },
      { type: '@xstate.transition', seq: ++seq, at: seq, actor: 'app/pool/voice#2', event: 3, taken: [], state: { status: 'active' }, actions: [] },
      { type: '@espalier.dropped', seq: ++seq, at: seq, count: 7, why: 'too slow' },
    ];
    const facts = news.flatMap((line) => factsOf(line, 0)).map(({ atMs: _atMs, from: _from, ...fact }) => fact);
    expect(facts).toEqual([
      { type: 'child.started', id: 'app', run: 1 },
      { type: 'child.started', id: 'voice', run: 1 },
      { type: 'child.exited', id: 'voice', reason: { crash: 'no such city' } },
      { type: 'child.restarted', id: 'voice', attempt: 1 },
      { type: 'note', who: 'voice', words: 'has ended: nobody reads HELLO' },
      { type: 'note', who: 'voice#2', words: 'did not handle an event' },
      { type: 'note', who: 'inspector', words: '7 lines were left out: too slow' },
    ]);
  });
});
