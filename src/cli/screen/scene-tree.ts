/** The scene of a recording as trees of rows: as the tree of a running play, and with pools left out in the same way. Pure. */
import { gaveUpText, isCrash, reasonText } from '../../recording/exports/story.js';
import { numberedName } from '../../recording/scene-places.js';
import { budgetOf } from '../../recording/scene-supervision.js';
import type { Scene, SceneActor } from '../../recording/scene.js';
import { innermost, otherRegions, stateWords } from '../stage/states.js';
import type { TreeNode } from '../stage/tree-node.js';

/** The trees of a scene, one for each root. */
export function sceneTrees(scene: Scene): TreeNode[] {
  const ended = endedBelow(scene);
  const roots = [...scene.actors.values()].filter(({ parent, exit }) => (parent === null || !scene.actors.has(parent)) && exit === null);
  // Of a system that is over, how it ended.
  const shown = roots.length > 0 ? roots : [...scene.actors.values()].filter(({ parent }) => parent === null).slice(-1);
  return shown.map((root) => nodeOf(scene, root, ended));
}

/** The latest that ended and was not replaced, of each place below each parent. */
function endedBelow(scene: Scene): ReadonlyMap<string, readonly SceneActor[]> {
  const ended = new Map<string, SceneActor[]>();
  for (const actor of scene.actors.values()) {
    if (actor.exit === null || actor.replacedBy !== null || actor.parent === null) continue;
    const siblings = ended.get(actor.parent) ?? [];
    siblings.push(actor);
    ended.set(actor.parent, siblings.slice(-mostEnded));
  }
  return ended;
}

/** Actors that have ended and are still shown, of each parent. */
const mostEnded = 6;

function nodeOf(scene: Scene, actor: SceneActor, ended: ReadonlyMap<string, readonly SceneActor[]>): TreeNode {
  const living = scene.childrenOf(actor.path).flatMap((path) => scene.actors.get(path) ?? []);
  const below = [...living, ...(ended.get(actor.path) ?? [])].sort((one, other) => one.seat - other.seat);
  const children = below.flatMap((child) => {
    const node = nodeOf(scene, child, ended);
    return child.logic === 'pool' ? node.children : [node];
  });
  return { name: numberedName(actor), state: stateNow(actor), restarts: restartsOf(scene, actor), about: aboutOf(scene, actor), children };
}

/** How much of a reason a row shows, characters; the sheet of the actor has all. */
const longestReason = 80;

function cut(text: string): string {
  return text.length > longestReason ? `${text.slice(0, longestReason)}…` : text;
}

function stateNow({ exit, isBrief, logic, status, value }: SceneActor): string {
  if (exit === null) return isBrief ? '?' : stateWords(value, logic === 'supervisor');
  if (exit.reason === 'killed') return 'killed';
  if (status === 'error') return 'crashed';
  return status === 'done' ? (innermost(value) ?? 'done') : 'stopped';
}

function restartsOf(scene: Scene, actor: SceneActor): TreeNode['restarts'] {
  const budget = budgetOf(actor, scene.at);
  if (budget !== null) return { count: budget.used, budget: budget.intensity, periodMs: budget.periodMs };
  const parent = actor.parent === null ? undefined : scene.actors.get(actor.parent);
  return parent?.logic === 'pool' ? { count: actor.run - 1 } : null;
}

/** What is worth knowing of it beside: what it runs where its name does not say it, the regions beside the one whose state is shown, what waits, of what it or the one before it has ended. */
function aboutOf(scene: Scene, { id, machine, timers, queue, logic, gaveUp, exit, replaces, value }: SceneActor): string {
  const parts = [machine !== null && machine !== id && logic !== 'supervisor' ? machine : null, ...(exit === null ? otherRegions(value) : [])];
  if (timers.length > 0) parts.push(`${timers.length} ${timers.length === 1 ? 'timer' : 'timers'}`);
  if (queue.length > 1) parts.push(`${queue.length} events wait`);
  const former = replaces === null ? null : (scene.actors.get(replaces)?.exit ?? scene.exits.findLast((line) => line.actor === replaces) ?? null);
  if (gaveUp !== null) parts.push(`gave up: ${cut(gaveUpText(gaveUp))}`);
  else if (exit !== null && isCrash(exit.reason)) parts.push(cut(reasonText(exit.reason)));
  else if (former !== null && isCrash(former.reason)) parts.push(`after ${cut(reasonText(former.reason))}`);
  else if (former?.reason === 'killed') parts.push('after a kill');
  return parts.filter((part) => part !== null).join(' · ');
}
