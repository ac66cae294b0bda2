/** A scene on paper: as trees, or as JSON. */
import { budgetOf } from '../../recording/scene-supervision.js';
import type { Scene } from '../../recording/scene.js';
import type { CommandWorld } from '../command-line.js';
import { actorData, actorSheet } from './actor-sheet.js';
import { drawTree } from './draw-tree.js';
import { sceneTrees } from './scene-tree.js';
import { type ShowFlags, wantsColours } from './show.js';
import { type Line, paint } from './spans.js';

/** What is told of the command line and its surroundings to who prints. */
type Printing = Pick<CommandWorld, 'env' | 'isTerminal' | 'tell'>;

/**
 * Prints it, or one actor of it.
 * @returns the exit code
 * @throws EspalierError `cli/usage` where there is no such actor
 */
export function printScene(scene: Scene, flags: ShowFlags & { readonly actor?: string }, world: Printing): number {
  const { actor } = flags;
  if (flags.json === true) return world.tell(`${JSON.stringify(actor === undefined ? sceneData(scene) : actorData(scene, actor))}\n`);
  const lines = actor === undefined ? sceneTrees(scene).flatMap((tree) => drawTree(tree)) : actorSheet(scene, actor);
  return printLines(lines, flags, world);
}

/** Prints lines for people. @returns the exit code */
export function printLines(lines: readonly Line[], flags: ShowFlags, world: Printing, none = 'nobody'): number {
  const colours = wantsColours(world.isTerminal, flags, world.env);
  return world.tell(lines.length === 0 ? `${none}\n` : lines.map((line) => `${paint(line, colours)}\n`).join(''));
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
