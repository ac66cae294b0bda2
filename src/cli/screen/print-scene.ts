/** A scene on paper: as trees, or as JSON. */
import { budgetOf } from '../../recording/scene-supervision.js';
import type { Scene } from '../../recording/scene.js';
import type { CommandWorld } from '../command-line.js';
import { drawTree } from './draw-tree.js';
import { sceneTrees } from './scene-tree.js';
import { type ShowFlags, wantsColours } from './show.js';
import { paint } from './spans.js';

/** Prints it. @returns the exit code */
export function printScene(scene: Scene, flags: ShowFlags, world: Pick<CommandWorld, 'env' | 'isTerminal' | 'tell'>): number {
  if (flags.json === true) return world.tell(`${JSON.stringify(sceneData(scene))}\n`);
  const colours = wantsColours(world.isTerminal, flags, world.env);
  const lines = sceneTrees(scene).flatMap((tree) => drawTree(tree));
  return world.tell(lines.length === 0 ? 'nobody\n' : lines.map((line) => `${paint(line, colours)}\n`).join(''));
}

/** A scene as JSON. */
export function sceneData(scene: Scene): object {
  const actors = [...scene.actors.values()].map((actor) => {
    const budget = budgetOf(actor, scene.at);
    return budget === null ? actor : { ...actor, budget };
  });
  const { seq, at, dropped, deadLetters, unhandled } = scene;
  return { type: 'scene', seq, at, dropped, actors, deadLetters, unhandled };
}
