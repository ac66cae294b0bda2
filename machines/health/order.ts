/** The order of what depends on each other: needs first. */

/** Something that needs others, by id. */
export interface Node {
  readonly id: string;
  readonly dependsOn: readonly string[];
}

/** `missing`: `id` needs `name`, which is nobody's; `cycle`: the ids around it, the first again at the end. */
export type Disorder =
  | { readonly kind: 'missing'; readonly id: string; readonly name: string }
  | { readonly kind: 'cycle'; readonly ids: readonly string[] };

/**
 * Each after all that it needs, and else as they were given.
 * @returns the ids in order; or why there is none
 * @throws never
 * @see Kahn (1962), here by depth, so that a cycle is known by name
 */
export function orderOf(
  nodes: readonly Node[],
): { readonly ok: true; readonly order: readonly string[] } | { readonly ok: false; readonly why: Disorder } {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  for (const { id: first } of nodes) {
    // No recursion: a chain may be as long as the list.
    const way: { readonly node: Node; next: number }[] = [];
    const onWay = new Set<string>();
    const enter = (id: string): void => {
      onWay.add(id);
      way.push({ node: known.get(id) as Node, next: 0 });
    };
    if (!done.has(first)) enter(first);
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const need = top.node.dependsOn[top.next++];
      if (need === undefined) {
        done.add(top.node.id);
        way.pop();
        continue;
      }
      if (done.has(need)) continue;
      if (!known.has(need)) return { ok: false, why: { kind: 'missing', id: top.node.id, name: need } };
      if (onWay.has(need)) {
        const from = way.findIndex(({ node }) => node.id === need);
        return { ok: false, why: { kind: 'cycle', ids: [...way.slice(from).map(({ node }) => node.id), need] } };
      }
      enter(need);
    }
  }
  return { ok: true, order: [...done] };
}
