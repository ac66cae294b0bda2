/** `espalier tree`: the tree of an app that is inspected, or of a recording. */
import type { CommandWorld } from './command-line.js';
import { readCall, shownFlags } from './flags.js';
import { sceneOf } from './scene-source.js';
import { printScene } from './screen/print-scene.js';
import { treeUsage, usageError } from './usage.js';

/** Runs the command. @returns the exit code */
export async function tree(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(args, { ...shownFlags, actor: { type: 'string' } }, 'URL|FILE');
  if (flags.help === true) return world.tell(treeUsage);
  if (word === undefined) throw usageError('URL|FILE: an inspector or a recording', 'none');
  return printScene(await sceneOf(word, world.directory), flags, world);
}
