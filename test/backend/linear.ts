/**
 * What was asked of a backend by many at once, and whether it could have been asked one by one.
 *
 * Revisions say in which order the changes were done, so there is one candidate order, and it is looked at whole: each change must be right where it stands,
 * each refusal and each read must be right somewhere between its call and its answer, and no change may stand before one that was answered before it was asked.
 */
import { fail } from 'node:assert/strict';
import type { BackendEntry, DeleteOutcome, GetOutcome, SetOutcome } from '../../src/backend/port.js';

/** A call with its answer; `from` and `to`: when, in steps of the test. */
export type Asked = { readonly key: string; readonly from: number; readonly to: number } & (
  | { readonly type: 'set'; readonly expected: number; readonly value: number; readonly outcome: SetOutcome }
  | { readonly type: 'delete'; readonly expected: number; readonly outcome: DeleteOutcome }
  | { readonly type: 'get'; readonly outcome: GetOutcome }
);

/** How a key stood, from a revision on. */
interface Standing {
  readonly from: number;
  readonly revision: number;
  readonly value: number | null;
}

/** @throws AssertionError with what could not have been */
export function requireLinear(asked: readonly Asked[]): void {
  const done = asked.flatMap((one) => (one.type !== 'get' && one.outcome.outcome === 'ok' ? [{ one, revision: one.outcome.revision }] : []));
  done.sort((a, b) => a.revision - b.revision);
  const standings = new Map<string, Standing[]>();
  const of = (key: string): Standing[] => standings.get(key) ?? standings.set(key, [{ from: 0, revision: 0, value: null }]).get(key) ?? [];
  for (const [index, { one, revision }] of done.entries()) {
    if (revision === done[index - 1]?.revision) fail(`revision ${revision} was given twice`);
    const there = of(one.key).at(-1) as Standing;
    if (there.revision !== one.expected) fail(`at revision ${revision} ${one.key} was at ${there.revision}, and ${one.expected} was named`);
    of(one.key).push(one.type === 'set' ? { from: revision, revision, value: one.value } : { from: revision, revision: 0, value: null });
    const overtaken = done.slice(0, index).find((earlier) => earlier.one.from > one.to);
    if (overtaken !== undefined) fail(`${overtaken.revision} was asked for after ${revision} was answered`);
  }
  for (const one of asked) {
    const [least, most] = window(done, one);
    const could = of(one.key).filter(({ from }, at, all) => from <= most && (all[at + 1]?.from ?? Infinity) > least);
    if (one.type === 'get' && one.outcome.outcome === 'ok') {
      const { entry, revision } = one.outcome;
      if (revision < least || revision > most) fail(`a read told of revision ${revision}, between ${least} and ${most}`);
      const then = of(one.key).findLast(({ from }) => from <= revision) as Standing;
      if (!isSame(then, entry)) fail(`a read of ${one.key} at ${revision} told ${JSON.stringify(entry)}, where ${JSON.stringify(then)} stood`);
    }
    if (one.type !== 'get' && one.outcome.outcome === 'conflict') {
      const { entry } = one.outcome;
      if ((entry?.revision ?? 0) === one.expected) fail(`a conflict of ${one.key} with what was named`);
      if (!could.some((standing) => isSame(standing, entry)))
        fail(`a conflict of ${one.key} told ${JSON.stringify(entry)}, which never stood there meanwhile`);
    }
  }
}

/** The revisions that could have been the newest at some time while it was asked. */
function window(done: readonly { readonly one: Asked; readonly revision: number }[], { from, to }: Asked): [least: number, most: number] {
  const before = done.filter(({ one }) => one.to < from).map(({ revision }) => revision);
  const after = done.filter(({ one }) => one.from > to).map(({ revision }) => revision);
  return [Math.max(0, ...before), Math.min(Infinity, ...after.map((revision) => revision - 1))];
}

function isSame({ revision, value }: Standing, entry: BackendEntry | null): boolean {
  return entry === null ? revision === 0 : entry.revision === revision && entry.value === value;
}
