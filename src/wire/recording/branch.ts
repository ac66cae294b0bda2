/** Branches of a tree of actors, by their paths. Runs in browsers as well. */

/** Is the actor in the branch: the actor of that path, or below it? `''` is the whole tree. */
export function isIn(branch: string, actor: string): boolean {
  return branch === '' || actor === branch || (actor.startsWith(branch) && actor[branch.length] === '/');
}
