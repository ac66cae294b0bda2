/** What the page says of crashes, of supervisors that gave up and of apps that are over. */
import { expect, it } from 'vitest';
import { reasonText } from '../../src/recording/exports/story.js';
import type { RecordedActor } from '../../src/wire/recording/lines.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';
import { moodOf, shortChipsOf } from '../../visualizations/inspector/components/chip.js';
import { bannerWords, connectionWords, nowWord } from '../../visualizations/inspector/components/connection-words.js';
import { madeWords, stepWords } from '../../visualizations/inspector/layout/step-words.js';
import { appEndOf, livingOf } from '../../visualizations/inspector/state/app-end.js';
import { Moment } from '../../visualizations/inspector/state/moment.js';
import { ratesAt } from '../../visualizations/inspector/state/rates.js';
import { budgetAt, troubleOf } from '../../visualizations/inspector/state/supervision.js';
import { successorOf } from '../../visualizations/inspector/state/successor.js';
import { Timeline } from '../../visualizations/inspector/state/timeline.js';
import { type BareLine, ended, machine, made, momentAfter, numbered, sent, start } from './lines.js';

const definition = { id: 'm', key: 'm', type: 'compound', tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] } as const;
const boom = { $error: { name: 'Error', message: 'boom' } };
const crash = { crash: boom };
const context = { intensity: 3, periodMs: 5_000, restarts: [1, 2, 3], children: [], mailbox: [] };
const supervisor = machine('app', 0, context, { logic: 'supervisor', state: { status: 'active', value: 'running', context } });
const givingUp: readonly BareLine[] = [
  supervisor,
  sent('app', 4, 'child.exited'),
  made('app', 4, 2, {
    state: { status: 'done', value: 'stopped' },
    actions: [{ kind: 'emit', event: { type: 'supervisor.gaveUp', id: 'db', reason: crash } }],
  }),
  ended('app', 5, 'shutdown'),
];

it('the event that crashed an actor is said to have crashed it; one that nobody handled, not to be handled', () => {
  const step = (state: { status: 'active' | 'error'; value: string; error?: typeof boom }) => {
    const last = momentAfter(machine('app', 0, {}), sent('app', 1, 'boom'), made('app', 1, 2, { taken: [], state })).actors.get('app')?.last;
    if (last === null || last === undefined) throw new Error('it did nothing');
    return stepWords(last, definition);
  };
  expect(step({ status: 'error', value: 'idle', error: boom })).toEqual(['crashed it: Error: boom']);
  const message = { ...made('app', 1, 2, { taken: [] }), seq: 3 };
  expect(madeWords({ ...message, state: { status: 'error', value: 'idle', error: boom } })).toBe('crashed it');
  expect(madeWords({ ...message, state: { status: 'active', value: 'idle' } })).toBe('not handled');
  expect(madeWords({ ...message, taken: ['edge'], state: { status: 'active', value: { left: 'on', right: 'off' } } })).toBe(
    'then left.on, right.off',
  );
  expect(step({ status: 'active', value: 'idle' })).toEqual(['not handled']);
});

it('a supervisor that gave up says so, with the child and why it ended, and its budget as it was then', () => {
  const moment = momentAfter(...givingUp);
  const app = moment.actors.get('app');
  if (app === undefined) throw new Error('it is forgotten');
  expect(troubleOf(app, moment.actors)).toBe('gave up: db, crash: Error: boom');
  expect(budgetAt(app, 60_000)).toMatchObject({ used: 3, intensity: 3 });
  expect(appEndOf(moment)).toBe('gave up: db, crash: Error: boom');
});

it('a supervisor that gave up has failed, though it ended in order; who is started in its place says why', () => {
  const moment = momentAfter(...givingUp, { ...supervisor, actor: 'app#2', at: 6, run: 2, replaces: 'app' });
  const [app, again] = [moment.actors.get('app'), moment.actors.get('app#2')];
  if (app === undefined || again === undefined) throw new Error('they are forgotten');
  expect([moodOf(app, null), moodOf(again, null)]).toEqual(['failed', 'running']);
  expect(troubleOf(again, moment.actors)).toBe('↻ 1 · gave up: db, crash: Error: boom');
});

it('an app is over when its root is; the head says so in place of what may be done with it', () => {
  const moment = new Moment();
  const take = (...lines: readonly BareLine[]): void => {
    for (const line of numbered(...lines)) moment.follow(line, () => '?');
  };
  const words = (): string => connectionWords({ kind: 'live', control: true, app: 'shop' }, 0, appEndOf(moment));
  expect(appEndOf(moment)).toBe(null);
  take(supervisor, start('app/worker', 0));
  take(ended('app/worker', 1, crash));
  expect(words()).toBe('shop · control');
  take(ended('app', 2, 'shutdown'));
  expect(words()).toBe('shop · ended: shutdown');
  const lost = (attempt: number) => bannerWords({ kind: 'lost', since: 0, retryAt: 9, attempt, why: 'gone' }, appEndOf(moment))[0];
  expect(lost(1)).toBe('The app is over (ended: shutdown).');
  expect(connectionWords({ kind: 'lost', since: 0, retryAt: 7_000, attempt: 1, why: 'gone' }, 3_000, appEndOf(moment))).toMatch(
    /^ended: shutdown · lost 3 s ago · again in 4/,
  );
});

it('of an app that is over nobody lives, though the end of one was not told', () => {
  const moment = momentAfter(supervisor, start('app/worker', 0));
  expect(livingOf(moment)).toBe(2);
  expect(livingOf(momentAfter(supervisor, start('app/worker', 0), ended('app', 2, 'shutdown')))).toBe(0);
});

it('the newest moment is live only while something may follow it', () => {
  const lost = { kind: 'lost', since: 0, retryAt: 9, attempt: 1, why: 'gone' } as const;
  const live = { kind: 'live', control: true, app: 'shop' } as const;
  const others = [
    { kind: 'none' },
    { kind: 'connecting', attempt: 2 },
    { kind: 'refused', why: 'no' },
    { kind: 'file', name: 'a', cut: null },
  ] as const;
  expect([live, lost, ...others].map((one) => nowWord(one, null))).toEqual(['live', 'lost', 'end', 'waiting', 'end', 'end']);
  expect([live, lost].map((one) => nowWord(one, 'ended: normal'))).toEqual(['end', 'end']);
});

it('who is started in the place of another takes its place, however often; one that was there before does not', () => {
  const again = (run: number, more: Partial<RecordedActor> = {}) =>
    start(`app/db#${run}`, run, { run, replaces: run === 2 ? 'app/db' : `app/db#${run - 1}`, ...more });
  const lines = numbered(again(2), start('app/other', 2), ended('app/db#2', 3, crash), again(3));
  expect([successorOf('app/db', lines), successorOf('app/db#2', lines), successorOf('app/other', lines)]).toEqual([
    ...['app/db#3', 'app/db#3'],
    'app/other',
  ]);
  expect(successorOf('app/db', numbered(again(2, { from: 'joined' })))).toBe('app/db');
});

it('a connection that is lost is a hiccup, until it is lost for the third time', () => {
  const title = (attempt: number) => bannerWords({ kind: 'lost', since: 0, retryAt: 9, attempt, why: 'gone' }, null)[0];
  expect([title(1), title(2), title(3)]).toEqual([undefined, undefined, 'The app does not answer.']);
  expect(bannerWords({ kind: 'live', control: true, app: 'shop' }, 'ended: normal')).toEqual([]);
  expect(bannerWords({ kind: 'refused', why: 'another token' }, null).slice(0, 2)).toEqual([
    'The inspector does not let this page in.',
    'another token',
  ]);
});

it('who runs again after a crash or a kill has a chip with the number of restarts and the last reason; after an order to restart, none', () => {
  const again = (reason: 'shutdown' | 'killed' | typeof crash): string | null => {
    const path = 'app/db#14';
    const before = start('app/db#13', 0, { id: 'db', run: 13 });
    const moment = momentAfter(start('app', 0), before, ended('app/db#13', 1, reason), start(path, 2, { id: 'db', run: 14, replaces: 'app/db#13' }));
    const actor = moment.actors.get(path);
    return actor === undefined ? 'nobody' : troubleOf(actor, moment.actors);
  };
  expect(again(crash)).toBe('↻ 13 · Error: boom');
  expect(again('killed')).toBe('↻ 13 · killed');
  expect(again('shutdown')).toBe(null);
});

it.each<[reason: Portable, words: string]>([
  ['normal', 'normal'],
  [['shutdown', { left: 1 }], 'shutdown: {"left":1}'],
  [{ $cut: 'it ended unseen' }, 'it ended unseen'],
  [crash, 'crash: Error: boom'],
  [{ crash: 'worn out' }, 'crash: worn out'],
  [{ crash: { code: 7 } }, 'crash: {"code":7}'],
])('an end is told in the same words on the page, in the terminal and in traces: %j', (reason, words) => {
  expect(reasonText(reason)).toBe(words);
  expect(appEndOf(momentAfter(start('app', 0), ended('app', 1, reason)))).toBe(`ended: ${words}`);
});

it('events that came a second ago are no rate any more, also where nothing has come since', () => {
  const timeline = new Timeline();
  timeline.append(numbered(start('app', 0), sent('app', 10, 'tick')));
  const rate = (now: number): number | undefined => ratesAt(timeline, timeline.last, now).get('app');
  expect([rate(10), rate(1_009), rate(1_010)]).toEqual([1, 1, undefined]);
});

it.each<[value: Portable, chips: readonly string[]]>([
  [{ running: { following: 'watching', part: { candidate: 'leading' } } }, ['watching', 'leading']],
  [{ running: { following: 'watching', part: 'observing' } }, ['watching', 'observing']],
  [{ running: { connection: { ready: 'idle' }, uplink: { lane: 'waiting' } } }, ['ready.idle', 'waiting']],
  [{ left: 'on', right: 'off' }, ['left.on', 'right.off']],
  [{ running: { lane: 'open', door: 'shut' } }, ['lane.open', 'door.shut']],
  [{ running: 'idle' }, ['running.idle']],
  [{ coordinating: { withdrawing: 'answering' } }, ['withdrawing.answering']],
])('a row shows the states of all regions, by their ends where they do not fit: %j', (value, chips) => {
  const actor = momentAfter(machine('app', 0, {}, { state: { status: 'active', value, context: {} } })).actors.get('app');
  expect(actor === undefined ? [] : shortChipsOf(actor)).toEqual(chips);
});
