/** What to watch of an actor in a tree that is too large to be told whole: itself, and what is below it as far as that is little. Pure. */
/** What is watched of an actor: it and all below it in full, but of these branches how they are. */
export interface Plan {
  readonly full: string | null;
  readonly brief: readonly string[];
}

/** More actors are not told in full by themselves. */
export const fullUpTo = 500;

/** Most branches that are left out one by one. */
const mostBrief = 32;

export function watchPlan(actor: string, paths: Iterable<string>): Plan {
  const sizes = new Map<string, number>();
  let below = 0;
  const inside = `${actor}/`;
  for (const path of paths) {
    if (!path.startsWith(inside)) continue;
    below++;
    const end = path.indexOf('/', inside.length);
    const child = end < 0 ? path : path.slice(0, end);
    sizes.set(child, (sizes.get(child) ?? 0) + 1);
  }
  if (below <= fullUpTo) return { full: actor, brief: [] };
  const large = [...sizes].sort((a, b) => b[1] - a[1]);
  const brief: string[] = [];
  for (const [child, size] of large) {
    if (below <= fullUpTo) break;
    brief.push(child);
    below -= size;
  }
  return brief.length > mostBrief ? { full: null, brief: [] } : { full: actor, brief };
}
