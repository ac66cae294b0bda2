import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { type Box, boxesOf, chartOf, type ChartOptions, written } from '../../src/charts/chart.js';
import { definitionOf } from '../../src/charts/definition.js';
import { widthOf } from '../../src/charts/text-width.js';
import { liftMachine } from '../testing/report/lift.js';

/** A chart with its boxes by the ids of their states, and its arrows in words. */
function drawn(options?: ChartOptions) {
  const chart = chartOf(definitionOf(liftMachine), options);
  const boxes = boxesOf(chart.root);
  const parents = new Map(boxes.flatMap((box) => box.boxes.map((inner) => [inner.key, box] as const)));
  const nameOf = (key: string): string => {
    const box = boxes.find((one) => one.key === key);
    return box?.state ?? `${box?.kind ?? ''} ${parents.get(key)?.state ?? ''}`;
  };
  const box = (id: string): Box | undefined => boxes.find((one) => one.state === id);
  const arrows = chart.arrows.map(({ from, to, lines }) => `${nameOf(from)} → ${nameOf(to)}: ${lines.map(written).join(' | ')}`);
  return {
    box,
    arrows,
    inside: (id: string) => box(id)?.boxes.map((inner) => `${inner.kind} ${written(inner.title)}`),
    lines: (id: string) => box(id)?.lines.map(written),
  };
}

describe('the chart of a definition', () => {
  it('nests its states as the machine does, with marks where they begin and for what they do in any of them', () => {
    const { inside, box } = drawn();
    expect(inside('lift')).toEqual(['start ', 'any in any state', 'state idle', 'state moving', 'final stopped']);
    expect(inside('lift.moving')).toEqual(['region cabin', 'region door', 'history H*']);
    expect([box('lift')?.isStack, box('lift.moving')?.isStack]).toEqual([false, true]);
  });

  it('has an arrow to each target, from and to the inside where it stays inside, and where a state begins', () => {
    expect(drawn().arrows).toEqual(
      expect.arrayContaining([
        'lift.idle → lift.moving: lift.call [doorShut]',
        'any lift → lift.stopped: lift.stop',
        'lift.idle → lift.stopped: after(patience)',
        'lift.moving.cabin.up → start lift.moving.cabin: lift.again',
        'start lift → lift.idle: ',
        'lift.idle → lift.moving.last: lift.rest',
      ]),
    );
  });

  it('lists in a state what stays there, what it does, what it invokes, and what regions cannot show by an arrow', () => {
    const { lines } = drawn();
    expect(lines('lift')).toEqual(['lift.ask']);
    expect(lines('lift.idle')).toEqual(['lift.ring ↻']);
    expect(lines('lift.moving')).toEqual(['invoke motor', 'lift.jump → up', 'lift.jump → open']);
    expect(lines('lift.moving.cabin.down')).toEqual(['lift.all → moving']);
  });

  it('can do without arrows to where a state around begins', () => {
    const { lines, arrows } = drawn({ startArrows: false });
    expect(lines('lift.moving.cabin.up')).toEqual(['lift.again → cabin']);
    expect(arrows.some((arrow) => arrow.includes('→ start'))).toBe(false);
  });

  it('says more in tooltips: ids, descriptions, actions', () => {
    const chart = chartOf(
      definitionOf(
        createMachine({ id: 'm', description: 'why', on: { go: { actions: ['a', 'b'], description: 'how' } }, entry: ['c'], tags: ['t'] }),
      ),
    );
    expect(chart.root.title.about).toBe('m\nwhy');
    expect(chart.root.lines.map(({ about }) => about)).toEqual(['tags t', 'entry c', 'm --go#0--> (stays)\nhow\ndoes a, b']);
  });

  it('breaks long lists of actions, and cuts names that would fill the picture', () => {
    const entry = Array.from({ length: 7 }, (_, index) => `anActionCalled${index}`);
    const { lines } = chartOf(definitionOf(createMachine({ id: 'm', entry, on: { [`call\n${'e'.repeat(60)}`]: {} } }))).root;
    const rows = lines.filter(({ edge }) => edge === undefined).map(written);
    expect(rows).toEqual([
      'entry / anActionCalled0, anActionCalled1,',
      '        anActionCalled2, anActionCalled3,',
      '        anActionCalled4, anActionCalled5,',
      '        anActionCalled6',
    ]);
    expect(written(lines.at(-1) ?? { parts: [], about: '' })).toBe(`call ${'e'.repeat(42)}…`);
    expect(lines.at(-1)?.about).toContain('e'.repeat(60));
  });

  it('calls what an actor without an id does by the name of that actor', () => {
    const work = { src: 'work', onDone: 'b' };
    const { arrows } = chartOf(
      definitionOf(createMachine({ id: 'm', initial: 'a', states: { a: { invoke: [work, { ...work, id: 'own' }] }, b: {} } })),
    );
    expect(arrows.flatMap(({ lines }) => lines.map(written))).toEqual(['done(work)', 'done(own)']);
  });

  it('gives letters of double width their room', () => {
    expect(widthOf('日本', 10)).toBe(widthOf('abcd', 10));
  });
});
