/** A saved tree in a process of its own: nobody has crashed in it yet, and nobody waits because of that. */

interface SavedNode {
  readonly context?: unknown;
  readonly children?: Readonly<Record<string, { readonly snapshot?: unknown } | undefined>>;
}
interface Remembered {
  readonly restarts?: unknown;
  readonly children?: readonly object[];
}
interface SavedPool {
  readonly children?: readonly { readonly snapshot: unknown }[];
  readonly entries?: readonly { readonly child: { readonly snapshot: unknown } | null }[];
}

/** The saved tree, with the restarts of all its supervisors forgotten: their budgets are whole. */
export function withoutRestarts<Tree>(tree: Tree): Tree {
  if (typeof tree !== 'object' || tree === null) return tree;
  const { context, children } = tree as SavedNode;
  if (children === undefined) return tree;
  const own = children['pool']?.snapshot as SavedPool | undefined;
  const isSupervisor = Array.isArray(own?.children) || Array.isArray(own?.entries);
  const inside = Object.entries(children).map(([id, child]) => {
    const snapshot = isSupervisor && id === 'pool' ? poolOf(own) : withoutRestarts(child?.snapshot);
    return [id, { ...child, snapshot }] as const;
  });
  return { ...tree, ...(isSupervisor ? { context: forgetful(context as Remembered) } : {}), children: Object.fromEntries(inside) };
}

function poolOf(pool: SavedPool): SavedPool {
  const { children, entries } = pool;
  return {
    ...pool,
    ...(children === undefined ? {} : { children: children.map((child) => ({ ...child, snapshot: withoutRestarts(child.snapshot) })) }),
    ...(entries === undefined
      ? {}
      : {
          entries: entries.map((entry) => ({
            ...entry,
            restarts: [],
            child: entry.child === null ? null : { ...entry.child, snapshot: withoutRestarts(entry.child.snapshot) },
          })),
        }),
  };
}

function forgetful(context: Remembered): Remembered {
  const { children } = context;
  return {
    ...context,
    restarts: [],
    ...(children === undefined ? {} : { children: children.map((child) => ({ ...child, restarts: [], attempt: 0 })) }),
  };
}
