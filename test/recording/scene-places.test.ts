/** Whom a path means where actors are replaced. */
import { expect, it } from 'vitest';
import { actorAt } from '../../src/recording/scene-places.js';
import { Scene } from '../../src/recording/scene.js';
import { ended, numbered, start } from '../inspector-page/lines.js';

const run = (path: string, at: number, replaces: string | null = null) => start(path, at, { replaces });
const scene = new Scene();
for (const line of numbered(
  run('app', 0),
  run('app/sub', 0),
  run('app/sub/db', 0),
  ended('app/sub/db', 1),
  ended('app/sub', 1),
  run('app/sub#2', 2, 'app/sub'),
  run('app/sub#2/db', 2),
  ended('app/sub#2/db', 3),
  run('app/sub#2/db#2', 4, 'app/sub#2/db'),
  run('app/dbx', 4),
  run('app/gone', 5),
  ended('app/gone', 6),
  run('app/gone#2', 7),
  ended('app/gone#2', 8),
))
  scene.take(line);

it.each([
  ['app/sub', 'app/sub#2'],
  ['app/sub#1', 'app/sub'],
  ['app/sub#2', 'app/sub#2'],
  ['app/sub/db', 'app/sub#2/db#2'],
  ['app/sub#2/db#1', 'app/sub#2/db'],
  ['app/sub#1/db', 'app/sub/db'],
  ['app/gone', 'app/gone#2'],
  ['app/db', undefined],
  ['app/sub#3', undefined],
  ['app/sub/db/x', undefined],
])('%s is %s', (asked, meant) => {
  expect(actorAt(scene.actors, asked)?.path).toBe(meant);
});
