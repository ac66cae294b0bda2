/** Is this what a tree was saved as? Checked whole, before anything starts. */
import { z } from 'zod';

import { EspalierError } from '../errors.js';

const timer = z.looseObject({
  source: z.array(z.string()),
  target: z.array(z.string()).nullable(),
  id: z.string(),
  event: z.looseObject({ type: z.string() }),
  remainingMs: z.number(),
});
const spec = z.looseObject({ id: z.string(), src: z.string() });
const message = z.looseObject({ type: z.string() });
const init = z.looseObject({ src: z.string() }).nullable();

/** A child as its supervisor's chart remembers it. */
const known = z.looseObject({
  spec,
  status: z.enum(['down', 'running', 'restarting']),
  run: z.number(),
  attempt: z.number(),
  startedAt: z.number(),
  retryAt: z.number().nullable(),
  restarts: z.array(z.number()),
});

/** A child as its pool saved it. */
const pooled = z.looseObject({
  id: z.string(),
  run: z.number(),
  spec,
  phase: z.enum(['starting', 'running']),
  askedAt: z.number().nullable(),
  killed: z.boolean(),
  snapshot: z.looseObject({ status: z.string() }),
  timers: z.array(timer),
});

/** What every supervisor's context holds. */
const remembered = z.looseObject({ restarts: z.array(z.number()), ended: z.array(z.looseObject({ id: z.string() })) });
const queued = { mailbox: z.array(message), job: z.looseObject({ kind: z.string() }).nullable() };

/** A machine that was saved with this context and this pool. */
function saved<Context extends z.ZodType, Pool extends z.ZodType>(context: Context, pool: Pool) {
  return z.looseObject({
    status: z.string(),
    value: z.union([z.string(), z.looseObject({})]),
    context,
    children: z.looseObject({ pool: z.looseObject({ src: z.literal('pool'), snapshot: pool }) }),
  });
}

const poolBasis = { status: z.literal('active'), at: z.number(), timers: z.array(timer) };

const supervisorTree = saved(
  remembered.extend({ ...queued, children: z.array(known), toStop: z.array(z.string()), toStart: z.array(z.string()) }),
  z.looseObject({ ...poolBasis, init, children: z.array(pooled) }),
);
const dynamicTree = saved(
  remembered.extend({ ...queued, size: z.number(), retrying: z.record(z.string(), z.looseObject({ spec })) }),
  z.looseObject({
    ...poolBasis,
    init,
    stopping: z.boolean(),
    entries: z.array(z.looseObject({ key: z.string(), run: z.number(), spec, restarts: z.array(z.number()), child: pooled.nullable() })),
  }),
);
const taskTree = saved(
  remembered,
  z.looseObject({ ...poolBasis, mode: z.string(), tasks: z.array(z.looseObject({ id: z.string(), name: z.string() })) }),
);

/**
 * Refuses what is no saved tree, or one with children whose logic is not here.
 * @param actors  the logics; null where it does not matter which there are
 * @throws EspalierError `supervision/invalid-snapshot`
 */
export function requireSaved(snapshot: unknown, actors: Readonly<Record<string, unknown>> | null): void {
  const tree = parsed(supervisorTree, snapshot, 'the saved tree');
  for (const { spec: child } of tree.context.children) {
    if (actors !== null && !Object.hasOwn(actors, child.src))
      throw invalidSnapshot(`an actor named '${child.src}', which the saved tree runs`, Object.keys(actors));
  }
  requireChildren(tree.children.pool.snapshot.children);
}

function requireChildren(children: readonly z.infer<typeof pooled>[]): void {
  for (const { id, snapshot } of children) requireBelow(id, snapshot);
}

/** The same for a child, if it is a supervisor of any kind. */
function requireBelow(id: string, snapshot: object): void {
  const { children } = snapshot as { children?: unknown };
  const pool = (children as { pool?: { snapshot?: unknown } } | undefined)?.pool?.snapshot;
  if (typeof pool !== 'object' || pool === null) return;
  const where = `'${id}' in the saved tree`;
  if ('entries' in pool) {
    const { entries } = parsed(dynamicTree, snapshot, where).children.pool.snapshot;
    requireChildren(entries.flatMap((entry) => (entry.child === null ? [] : [entry.child])));
  } else if ('tasks' in pool) parsed(taskTree, snapshot, where);
  else if ('children' in pool) requireChildren(parsed(supervisorTree, snapshot, where).children.pool.snapshot.children);
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidSnapshot(`${what} to be what App.getPersistedSnapshot() returned (${issue?.path.join('.') || 'it'}: ${issue?.message})`, value);
}

export function invalidSnapshot(expected: string, got: unknown, cause?: unknown): EspalierError {
  return new EspalierError('supervision/invalid-snapshot', { expected, got }, { cause });
}
