/** What the page knows and where it looks: folds and reducers, without a browser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChartDefinition } from '../../src/charts/definition.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { activeStates, edgeWords, nextEvents } from '../../src/charts/active.js';
import { countdown, duration, eventWords, moment as momentWords, short } from '../../visualizations/inspector/components/words.js';
import { sequenceMermaid } from '../../src/recording/exports/sequence-mermaid.js';
import { SequenceRows } from '../../src/recording/exports/sequence.js';
import { entriesOf } from '../../visualizations/inspector/sources/entries.js';
import { watchPlan } from '../../visualizations/inspector/sources/watch-plan.js';
import { lineageOf } from '../../src/recording/scene-lineage.js';
import { stateNames } from '../../visualizations/inspector/state/actor-view.js';
import { Moment } from '../../visualizations/inspector/state/moment.js';
import { ratesAt } from '../../visualizations/inspector/state/rates.js';
import { type Action, reduce } from '../../visualizations/inspector/state/reduce.js';
import { initialState, nextTheme, type State } from '../../visualizations/inspector/state/state.js';
import { Store } from '../../visualizations/inspector/state/store.js';
import { Timeline } from '../../visualizations/inspector/state/timeline.js';
import { ended, machine, momentAfter, numbered, sent, start } from './lines.js';

const recordings = join(import.meta.dirname, '../testing/replay/recordings');
const recorded = (name: string) => parseRecording(readFileSync(join(recordings, `${name}.ndjson`), 'utf8'));

function after(...actions: readonly Action[]): State {
  return actions.reduce(reduce, initialState);
}

describe('where one looks', () => {
  it('steps through time, holds at both ends, and lives on beyond the newest line', () => {
    const back: Action = { type: 'time.stepped', by: -1, last: 9 };
    expect(after(back).position).toBe(8);
    expect(after({ type: 'time.moved', to: 0, last: 9 }, back).position).toBe(0);
    expect(after({ type: 'time.moved', to: 9, last: 9 }).position).toBe(9);
    expect(after({ type: 'time.moved', to: 9, last: 9 }, { type: 'time.stepped', by: 1, last: 9 }).position).toBeNull();
    expect(after({ type: 'time.stepped', by: 1, last: 9 }).position).toBeNull();
  });

  it('holds a moment, and lives again', () => {
    const pause: Action = { type: 'time.paused', last: 4 };
    expect([after(pause).position, after(pause, pause).position]).toEqual([4, null]);
    expect(after({ type: 'time.paused', last: -1 }).position).toBeNull();
  });

  it('keeps to its line when the oldest lines go, and a message that went is chosen no longer', () => {
    const dropped: Action = { type: 'lines.dropped', count: 20 };
    const moved = after({ type: 'time.moved', to: 50, last: 99 }, { type: 'message.chosen', index: 20 }, dropped);
    expect([moved.position, moved.message]).toEqual([30, 0]);
    expect(after({ type: 'message.chosen', index: 19 }, dropped).message).toBeNull();
    expect(after({ type: 'time.moved', to: 7, last: 99 }, dropped).position).toBe(0);
  });

  it('forgets of another recording what was of the one before, and keeps what is of its reader', () => {
    const before: Action[] = [
      { type: 'theme.chosen', theme: 'dark' },
      { type: 'actor.chosen', actor: 'a' },
      { type: 'query.changed', query: 'q' },
      { type: 'time.moved', to: 3, last: 9 },
    ];
    expect(after(...before, { type: 'recording.replaced' })).toMatchObject({ theme: 'dark', selected: null, query: '', position: null });
  });

  it('goes through the themes, and begins again', () => {
    expect([nextTheme('auto'), nextTheme('light'), nextTheme('dark')]).toEqual(['light', 'dark', 'auto']);
  });

  it('shows three notices at most', () => {
    const notice: Action = { type: 'notice.shown', tone: 'bad', text: 'no' };
    const { notices } = after(notice, notice, notice, notice);
    expect(notices.map(({ id }) => id)).toEqual([2, 3, 4]);
    expect(reduce({ ...initialState, notices }, { type: 'notice.closed', id: 3 }).notices).toHaveLength(2);
  });

  it('gives no notice the number of one that was closed, so that whoever closes that late closes no other', () => {
    const praise: Action = { type: 'notice.shown', tone: 'good', text: 'sent' };
    const error: Action = { type: 'notice.shown', tone: 'bad', text: 'no' };
    const close: Action = { type: 'notice.closed', id: 1 };
    expect(after(praise, close, error, close).notices).toEqual([{ id: 2, tone: 'bad', text: 'no' }]);
    expect(after(praise, { type: 'recording.replaced' }, error, close).notices).toHaveLength(1);
  });
});

describe('the store', () => {
  it('tells of any number of changes once in a frame, and of none that is none', () => {
    const frames: (() => void)[] = [];
    const seen: State[] = [];
    const store = new Store((callback) => frames.push(callback));
    store.subscribe((state) => seen.push(state));
    store.dispatch({ type: 'query.changed', query: 'a' });
    store.dispatch({ type: 'query.changed', query: 'ab' });
    expect([frames.length, seen.length]).toEqual([1, 0]);
    frames.shift()?.();
    expect(seen.map(({ query }) => query)).toEqual(['ab']);
    store.refresh();
    expect(frames).toHaveLength(1);
  });
});

describe('the timeline', () => {
  const facts = (moment: Moment) =>
    [...moment.actors].map(([path, actor]) => [path, actor.status, actor.value, actor.context, actor.counts, actor.timers]);

  it.each(['crashing-tree', 'live-conversation', 'tasks-at-work'])('shows every moment of %s as it was, in whatever order one asks', (name) => {
    const { lines, head } = recorded(name);
    const entries = entriesOf(lines);
    const wanted: unknown[] = [];
    const moment = new Moment();
    for (const line of entries) {
      moment.follow(line, () => '?');
      wanted.push(facts(moment));
    }
    const timeline = new Timeline();
    timeline.clear(head);
    timeline.append(entries);
    fc.assert(
      fc.property(fc.array(fc.nat(entries.length - 1), { minLength: 1, maxLength: 12 }), (asked) => {
        for (const index of asked) expect(facts(timeline.momentAt(index))).toEqual(wanted[index]);
      }),
      { numRuns: 60 },
    );
  });

  it('marks crashes, restarts and dead letters', () => {
    const timeline = new Timeline();
    timeline.append(
      numbered(start('a', 0), ended('a', 1, { crash: 'x' }), start('a#2', 2, { replaces: 'a', run: 2 }), sent('a', 3, 'late', { dead: true })),
    );
    expect(timeline.marks).toEqual([
      { index: 1, kind: 'crash' },
      { index: 2, kind: 'restart' },
      { index: 3, kind: 'dead' },
    ]);
  });

  it('passes over keyframes when it steps', () => {
    const timeline = new Timeline();
    const joined = [start('a', 1, { from: 'joined' }), start('b', 1, { from: 'joined' })] as const;
    timeline.append(numbered(start('a', 0), ...joined, sent('a', 2, 'x')));
    expect([timeline.stepFrom(0, 1), timeline.stepFrom(3, -1), timeline.stepFrom(3, 1), timeline.stepFrom(0, -1)]).toEqual([3, -3, 1, -0]);
  });

  it('lets the oldest lines go, and still knows how it was after each that is left', () => {
    const timeline = new Timeline();
    const bulk = 240_000;
    timeline.append(numbered(start('a', 0)));
    timeline.append(Array.from({ length: bulk - 1 }, (_, index) => ({ ...sent('a', index, 'tick'), seq: index + 2 })));
    const dropped = timeline.append([{ ...sent('a', bulk, 'last'), seq: bulk + 1 }]);
    expect(dropped).toBe(60_000);
    expect(timeline.length).toBe(bulk + 1 - dropped);
    expect([timeline.seqOf(0), timeline.indexOf(60_001)]).toEqual([60_001, 0]);
    expect(timeline.momentAt(0).actors.get('a')?.counts.events).toBe(60_000);
    expect(timeline.momentAt(null).actors.get('a')?.counts.events).toBe(bulk);
    expect(timeline.momentAt(100_000).actors.get('a')?.counts.events).toBe(160_000);
  });

  it('keeps every line of a file, however many', () => {
    const timeline = new Timeline();
    timeline.load(Array.from({ length: 250_000 }, (_, index) => ({ ...sent('a', index, 'tick'), seq: index + 1 })));
    expect([timeline.length, timeline.seqOf(0), timeline.version]).toEqual([250_000, 1, 250_000]);
  });

  it('lets the oldest marks and pauses go with their lines, also where every line has one', () => {
    const timeline = new Timeline();
    timeline.append(Array.from({ length: 240_001 }, (_, index) => ({ ...sent('a', index * 3_000, 'late', { dead: true }), seq: index + 1 })));
    expect([timeline.marks.length, timeline.marks[0]]).toEqual([180_001, { index: 0, kind: 'dead' }]);
    expect([timeline.scale.gaps.length, timeline.scale.gaps[0]]).toEqual([180_000, { before: 1, ms: 3_000 }]);
  });

  it('counts the events of the last second, also those of summaries', () => {
    const timeline = new Timeline();
    timeline.append(numbered(start('a', 0), sent('a', 0, 'old'), sent('a', 1_500, 'x'), sent('a', 2_000, 'x')));
    timeline.append([{ type: 'summary', at: 2_100, actors: [{ actor: 'b', status: 'active', events: 40 }] }]);
    expect(Object.fromEntries(ratesAt(timeline, timeline.last))).toEqual({ a: 2, b: 40 });
  });
});

describe('a moment', () => {
  it('knows what a context was before, and with what an actor was started', () => {
    const moment = momentAfter(machine('a', 0, { n: 1 }, { input: { from: 1 } }), sent('a', 1, 'go'), {
      type: '@xstate.transition',
      at: 1,
      actor: 'a',
      event: 2,
      taken: ['e'],
      state: { status: 'active', value: 'busy', patch: [{ op: 'replace', path: '/n', value: 2 }] },
      actions: [],
    });
    expect(moment.actors.get('a')).toMatchObject({ context: { n: 2 }, contextBefore: { n: 1 }, input: { from: 1 }, lastEvent: 'go' });
  });

  it('takes summaries for those who are told of in brief, and keeps them when they end', () => {
    const moment = momentAfter(start('a', 0, { logic: 'machine', brief: true }));
    const none = () => '?';
    moment.follow({ type: 'summary', at: 1, actors: [{ actor: 'a', status: 'active', value: 'busy', events: 9 }] }, none);
    expect(moment.actors.get('a')).toMatchObject({ value: 'busy', counts: { events: 9 } });
    moment.follow({ ...ended('a', 2), seq: 2 }, none);
    expect(moment.actors.get('a')).toMatchObject({ value: 'busy', status: 'done', counts: { events: 9 } });
  });

  it('has whoever is missing in a branch for ended', () => {
    const moment = momentAfter(start('app', 0), start('app/a', 0), start('app/b', 0), start('other', 0));
    moment.follow({ type: 'branch', at: 5, branch: 'app', known: new Set(['app', 'app/b']) }, () => '?');
    expect([...moment.actors.values()].filter(({ exit }) => exit !== null).map(({ path }) => path)).toEqual(['app/a']);
  });

  it('knows who was in the place of an actor before it', () => {
    const moment = momentAfter(
      start('a', 0),
      start('a#2', 2, { replaces: 'a', run: 2 }),
      ended('a', 3, { crash: 'late word' }),
      ended('a#2', 4, 'normal'),
      start('a#3', 5, { replaces: 'a#2', run: 3 }),
    );
    const newest = moment.actors.get('a#3');
    expect(newest && lineageOf(moment.actors, newest).map(({ run, exit }) => [run, exit?.reason])).toEqual([
      [3, undefined],
      [2, 'normal'],
      [1, { crash: 'late word' }],
    ]);
  });
});

describe('what is watched of an actor in a large tree', () => {
  const cells = Array.from({ length: 2_000 }, (_, index) => `app/pool/many/${index}`);

  it('is all of it where it is small', () => {
    expect(watchPlan('app/a', ['app', 'app/a', 'app/a/b', ...cells])).toEqual({ full: 'app/a', brief: [] });
  });

  it('is it without its large branches where it is large', () => {
    expect(watchPlan('app', ['app', 'app/a', 'app/pool', ...cells])).toEqual({ full: 'app', brief: ['app/pool'] });
  });

  it('is nothing where it has thousands of children', () => {
    expect(watchPlan('app/pool/many', ['app', ...cells])).toEqual({ full: null, brief: [] });
  });
});

describe('the chart of a machine', () => {
  const { lines } = recorded('live-conversation');
  const definition = lines.find((line) => line.type === '@espalier.machine' && line.machine === 'liveSession');
  const chart = definition?.type === '@espalier.machine' ? definition.definition : undefined;

  it('has the states lit that a value means', () => {
    if (chart === undefined) throw new Error('no chart');
    const active = activeStates(chart, { open: { connection: { online: { ready: 'idle' } }, rotation: 'steady' } });
    expect(active).toEqual(
      [
        '',
        '.open',
        '.open.connection',
        '.open.connection.online',
        '.open.connection.online.ready',
        '.open.connection.online.ready.idle',
        '.open.rotation',
        '.open.rotation.steady',
      ].map((end) => `liveSession${end}`),
    );
    expect(activeStates(chart, { nowhere: 'x' })).toEqual(['liveSession']);
    expect(activeStates(chart, undefined)).toEqual([]);
  });

  it('has states lit whose keys begin with `$`, and calls them by their names', () => {
    const blank = { tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] };
    const leaf = { ...blank, id: 'm.$out.$in', key: '$in', type: 'atomic' } as const;
    const odd: ChartDefinition = {
      ...blank,
      ...{ id: 'm', key: 'm', type: 'compound', initial: 'm.$out' },
      states: [{ ...blank, id: 'm.$out', key: '$out', type: 'compound', initial: 'm.$out.$in', states: [leaf] }],
    };
    const value = { $object: { $out: '$in' } };
    expect([activeStates(odd, value), stateNames(value)]).toEqual([['m', 'm.$out', 'm.$out.$in'], ['$out.$in']]);
    expect([activeStates(odd, { $cut: 'too long' }), stateNames({ $cut: 'too long' })]).toEqual([['m'], []]);
  });

  it('says which events would be taken, and nothing that only XState sends', () => {
    if (chart === undefined) throw new Error('no chart');
    const types = nextEvents(chart, activeStates(chart, 'closed')).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('xstate.') || type === '')).toEqual([]);
    const open = nextEvents(chart, activeStates(chart, { open: { connection: { online: 'settingUp' } } })).map(({ type }) => type);
    expect(open).toEqual(expect.arrayContaining(['session.close', 'server.message']));
    expect(edgeWords(chart, ['no such edge'])).toEqual(['no such edge']);
  });
});

describe('what can be taken away', () => {
  it('is a Mermaid diagram that no name breaks', () => {
    const rows = new SequenceRows(() => true);
    const lines = numbered(start('a;b', 0), sent('a;b', 0, 'go: #1; end\n'), ended('a;b', 1, { crash: 'x' }));
    rows.extend({ length: lines.length, line: (index) => lines[index] });
    expect(sequenceMermaid(rows.rows)).toBe(
      'sequenceDiagram\n  participant a0 as a#59;b\n  participant a1 as (outside)\n  Note over a0: start\n  a1->>a0: go#58; #35;1#59; end \n  Note over a0: crash\n',
    );
  });
});

describe('figures in words', () => {
  it.each([
    [duration(0.4), '0.4 ms'],
    [duration(999), '999 ms'],
    [duration(5_000), '5 s'],
    [duration(12_340), '12.3 s'],
    [duration(125_000), '2 m 05 s'],
    [duration(11_040_000), '3 h 04 m'],
    [countdown(-1), 'now'],
    [countdown(1_234), '1.3 s'],
    [countdown(61_000), '1 m 01 s'],
    [momentWords(12_345), '12.345 s'],
    [momentWords(125_120), '2:05.120'],
    [short(1_234), '1.2k'],
    [short(0.4), '0.4'],
    [eventWords('xstate.after.backoff.m.a'), 'after(backoff)'],
    [eventWords('xstate.done.actor.job'), 'done(job)'],
    [eventWords('call.started'), 'call.started'],
  ])('%s', (words, wanted) => {
    expect(words).toBe(wanted);
  });
});
