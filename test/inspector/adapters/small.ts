/** A small recording: a parent, its child that crashes and is replaced, a delayed event, a letter to the dead, an event that nobody handles. */
import type { RecordedActor, RecordedLine, RecordingHead } from '../../../src/wire/recording/lines.js';
import { chartState, type RecordedChart } from '../../../src/wire/recording/chart.js';

const blank = { tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] };

export const door: RecordedChart = chartState.parse({
  ...blank,
  id: 'door',
  key: 'door',
  type: 'compound',
  initial: 'door.shut',
  states: [
    {
      ...blank,
      id: 'door.shut',
      key: 'shut',
      type: 'atomic',
      tags: ['safe'],
      edges: [
        { id: 'shut>open', event: 'push', descriptor: 'push', targets: ['door.open'], reenter: false, actions: ['creak'] },
        { id: 'shut>shut', event: 'after(rest)', descriptor: 'xstate.after.rest.door.shut', targets: ['door.shut'], reenter: true, actions: [] },
      ],
    },
    { ...blank, id: 'door.open', key: 'open', type: 'atomic' },
  ],
});

export const head: RecordingHead = { type: 'recording', v: 2, secret: null, wallAt: 1_700_000_000_000, contexts: 'patches' };

export function started(seq: number, at: number, actor: string, more: Partial<RecordedActor> = {}): RecordedActor {
  const cut = actor.lastIndexOf('/');
  return {
    type: '@xstate.actor',
    seq,
    at,
    actor,
    parent: cut < 0 ? null : actor.slice(0, cut),
    id: actor.slice(cut + 1).replace(/#\d+$/, ''),
    logic: 'machine',
    src: null,
    machine: 'door',
    from: 'input',
    replaces: null,
    run: 1,
    state: { status: 'active', value: 'shut', context: { count: 0 } },
    ...more,
  };
}

const bell: RecordedActor = {
  type: '@xstate.actor',
  seq: 10,
  at: 15,
  actor: 'house/bell',
  parent: 'house',
  id: 'bell',
  logic: 'callback',
  src: 'bell',
  machine: null,
  from: 'input',
  replaces: null,
  run: 1,
};

export const small: readonly RecordedLine[] = [
  { type: '@espalier.machine', seq: 1, at: 0, machine: 'door', definition: door },
  started(2, 0, 'house'),
  started(3, 1, 'house/door', { src: 'door' }),
  { type: '@xstate.event', seq: 4, at: 2, actor: 'house/door', source: 'house', event: { type: 'push', by: 'me' }, cause: 2 },
  {
    type: '@xstate.transition',
    seq: 5,
    at: 2.5,
    actor: 'house/door',
    event: 4,
    taken: ['shut>open'],
    state: { status: 'active', value: 'open', patch: [{ op: 'replace', path: '/count', value: 1 }] },
    actions: [{ kind: 'run', name: 'creak' }],
  },
  { type: '@xstate.event', seq: 6, at: 10, actor: 'house', source: null, event: { type: 'knock' } },
  { type: '@xstate.transition', seq: 7, at: 10, actor: 'house', event: 6, taken: [], state: { status: 'active', value: 'shut' }, actions: [] },
  { type: '@espalier.exit', seq: 8, at: 12, actor: 'house/door', reason: { crash: { $error: { name: 'Error', message: 'off its hinges' } } } },
  started(9, 15, 'house/door#2', { src: 'door', run: 2, replaces: 'house/door' }),
  bell,
  { type: '@xstate.event', seq: 11, at: 16, actor: 'house/door', source: 'house', event: { type: 'push' }, dead: true },
  {
    type: '@xstate.event',
    seq: 12,
    at: 115,
    actor: 'house/door#2',
    source: 'house/door#2',
    event: { type: 'xstate.after.rest.door.shut' },
    delay: { ms: 100, by: 9 },
  },
  {
    type: '@xstate.transition',
    seq: 13,
    at: 115,
    actor: 'house/door#2',
    event: 12,
    taken: ['shut>shut'],
    state: { status: 'active', value: 'shut' },
    actions: [],
  },
  { type: '@xstate.event', seq: 14, at: 120, actor: 'house/bell', source: 'house', event: { type: 'ring' } },
  { type: '@espalier.exit', seq: 15, at: 130, actor: 'house/bell', reason: 'normal' },
];
