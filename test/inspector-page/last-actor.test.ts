/** Whom the page follows: who acted, and nobody who is only told of. */
import { expect, it } from 'vitest';
import { lastActor } from '../../visualizations/inspector/state/last-actor.js';
import { Timeline } from '../../visualizations/inspector/state/timeline.js';
import { numbered, start } from './lines.js';

const keyframe = [...numbered(start('app', 0), start('app/a', 0), start('app/b', 0)), branch('app', 'app/a', 'app/b')];

function branch(...known: string[]) {
  return { type: 'branch', at: 0, branch: '', known: new Set(known) } as const;
}

function summary(...acted: readonly (readonly [actor: string, events: number])[]) {
  return { type: 'summary', at: 1, actors: acted.map(([actor, events]) => ({ actor, status: 'active', events }) as const) } as const;
}

it.each([
  ['nobody, where all are only listed', [...keyframe], undefined],
  ['who has had an event, by a summary', [...keyframe, summary(['app/a', 1], ['app/b', 0])], 'app/a'],
  ['the same, when more is told in full after it', [...keyframe, summary(['app/a', 1]), ...keyframe], 'app/a'],
  ['nobody, by a summary in which nothing happened', [...keyframe, summary(['app/a', 0])], undefined],
  ['who was started after the list', [...keyframe, ...numbered(start('app/c', 2))], 'app/c'],
])('follows %s', (_, entries, actor) => {
  const timeline = new Timeline();
  timeline.append(entries);
  expect(lastActor(timeline, timeline.last)).toBe(actor);
});
