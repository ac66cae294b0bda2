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
      children: [{ name: 'voice#2', state: 'ready', restarts: { count: 1 }, about: 'liveSession · after crash: Error: no such city', children: [] }],
    });
  });

  it('keeps whoever is restarted in its place among its siblings, in the tree and in the list of children', () => {
    const all = ['app', 'app/first', 'app/second', 'app/third'].map((path) => actor(path));
    const end = (path: string): RecordedLine => ({ type: '@espalier.exit', seq: ++seq, at: seq, actor: path, reason: { crash: 'x' } });
    const names = (lines: readonly RecordedLine[]): unknown => sceneTrees(sceneOf(lines))[0]?.children.map(({ name }) => name);
    const again = [...all, end('app/first'), actor('app/first#2', { run: 2, replaces: 'app/first' })];
    expect(names(again)).toEqual(['first#2', 'second', 'third']);
    expect(sceneOf(again).childrenOf('app')).toEqual(['app/first#2', 'app/second', 'app/third']);
    const twice = [...again, end('app/second'), end('app/first#2'), actor('app/first#3', { run: 3, replaces: 'app/first#2' })];
    expect(names(twice)).toEqual(['first#3', 'second', 'third']);
    expect(sceneOf(twice).copy().childrenOf('app')).toEqual(['app/first#3', 'app/third']);
  });

  it('shows the first region of a chart as its state, and the others beside: who leads is seen; nothing of those that have ended', () => {
    const value = { running: { following: 'watching', part: { candidate: 'leading' } } };
    const leader = (more: Partial<RecordedActor> = {}) =>
      actor('app/candidacy', { machine: 'leader', state: { status: 'active', value, context: {} }, ...more });
    const rows = (...lines: readonly RecordedLine[]) => sceneTrees(sceneOf([actor('app'), ...lines]))[0]?.children;
    expect(rows(leader())).toMatchObject([{ name: 'candidacy', state: 'watching', about: 'leader · candidate.leading' }]);
    const deep = { open: { connection: { ready: 'idle' }, tools: {}, uplink: { flowing: 'full' } } };
    expect(rows(leader({ state: { status: 'active', value: deep, context: {} } }))).toMatchObject([
      { state: 'ready', about: 'leader · tools · flowing.full' },
    ]);
    const end: RecordedLine = { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app/candidacy', reason: 'shutdown' };
    expect(rows(leader(), end)).toMatchObject([{ state: 'stopped', about: 'leader' }]);
  });

  it('says of who runs again that the one before it was killed', () => {
    const end: RecordedLine = { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app/cem', reason: 'killed' };
    const all = [actor('app'), actor('app/cem'), end, actor('app/cem#2', { run: 2, replaces: 'app/cem' })];
    expect(sceneTrees(sceneOf(all))[0]?.children).toMatchObject([{ name: 'cem#2', about: 'after a kill' }]);
  });

  it('shows how it ended, of a system that is over', () => {
    const all = [...lines(), { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app/pool/voice#2', reason: 'killed' } as const];
    expect(sceneTrees(sceneOf(all))[0]?.children).toMatchObject([{ name: 'voice#2', state: 'killed' }]);
    const over = [...all, { type: '@espalier.exit', seq: ++seq, at: seq, actor: 'app', reason: 'normal' } as const];
    expect(sceneTrees(sceneOf(over))).toMatchObject([{ name: 'app', state: 'idle' }]);
  });

  it('is printed as lines or as JSON; nobody is somebody to tell of', () => {
    const told: string[] = [];
    const world = { env: {}, isTerminal: false, tell: (text: string) => told.push(text) - told.length };
    printScene(sceneOf(lines()), {}, world);
    expect(told.pop()).toMatch(
      /^actor +state +restarts\napp +running +1 of 3 in 5 s\n└── voice#2 +ready +1 +liveSession · after crash: Error: no such city\n$/,
    );
    printScene(sceneOf(lines()), { json: true }, world);
    expect(JSON.parse(told.pop() ?? '')).toMatchObject({ type: 'scene', actors: [{ path: 'app', budget: { used: 1 } }, {}, {}, {}] });
    printScene(new Scene(), {}, world);
    expect(told.pop()).toBe('nobody\n');
  });
});

describe('an actor on paper', () => {
  const sheetOf = (scene: Scene, path: string): string => {
    const told: string[] = [];
    printScene(scene, { actor: path }, { env: {}, isTerminal: false, tell: (text: string) => told.push(text) && 0 });
    return told.join('');
  };

  it('says which event crashed it and why, not that nobody handled it', () => {
    const boom = { $error: { name: 'Error', message: 'boom' } };
    const event = { type: '@xstate.event', seq: 2, at: 2, actor: 'app', source: null, event: { type: 'GO' } } as const;
    const state = { status: 'error', value: 'ready', error: boom } as const;
    const crash: RecordedLine = { type: '@xstate.transition', seq: 3, at: 3, actor: 'app', event: 2, taken: [], state, actions: [] };
    const sheet = sheetOf(sceneOf([{ ...actor('app'), seq: 1 }, event, crash]), 'app');
    expect(sheet).toMatch(/^last +line 3: GO: crashed it: Error: boom$/m);
    expect(sheet).toContain(' 0 not handled');
    const unread: RecordedLine = { ...crash, state: { status: 'active', value: 'ready' } };
    expect(sheetOf(sceneOf([{ ...actor('app'), seq: 1 }, event, unread]), 'app')).toMatch(/^last +line 3: GO: no transition$/m);
  });

  it('says of a supervisor that it gave up, on which child and why', () => {
    const reason = { crash: { $error: { name: 'Error', message: 'boom' } } };
    const lines: RecordedLine[] = [
      { ...actor('app', { logic: 'supervisor', state: structuredClone(supervisorState) }), seq: 1 },
      {
        ...{ type: '@xstate.transition', seq: 2, at: 2, actor: 'app', event: { type: 'child.exited' }, taken: ['edge'] },
        ...{ state: { status: 'done', value: 'stopped' }, actions: [{ kind: 'emit', event: { type: 'supervisor.gaveUp', id: 'db', reason } }] },
      },
      { type: '@espalier.exit', seq: 3, at: 3, actor: 'app', reason: 'shutdown' },
    ];
    const scene = sceneOf(lines);
    expect(sheetOf(scene, 'app')).toMatch(/^gave up +db, crash: Error: boom$/m);
    expect(sceneTrees(scene)).toMatchObject([{ name: 'app', about: 'gave up: db, crash: Error: boom' }]);
  });
});

describe('lines as facts', () => {
  it('tell of each message, where that is wanted', () => {
    const event = { type: '@xstate.event', seq: 7, at: 40, actor: 'app/pool/voice', event: { type: 'HELLO' } } as const;
    const told = (more: { readonly source: string | null; readonly delay?: { ms: number; by: null } }) =>
      factsOf({ ...event, ...more }, 30, true).map((fact) => [fact.atMs, fact['who'], fact['words']]);
    expect(told({ source: null })).toEqual([[10, 'voice', '← HELLO, from outside']]);
    expect(told({ source: 'app/pool/db#2' })).toEqual([[10, 'voice', '← HELLO, from db#2']]);
    expect(told({ source: event.actor })).toEqual([[10, 'voice', '← HELLO, from itself']]);
    expect(told({ source: event.actor, delay: { ms: 90, by: null } })).toEqual([[10, 'voice', '← HELLO, from a timer of 90 ms']]);
    expect(factsOf({ ...event, source: null }, 30)).toEqual([]);
  });

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
