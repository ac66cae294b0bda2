/** What the cases of the contract ask of an outcome. */
import { fail } from 'node:assert/strict';
import type { EventQuery, EventStore, StoredEvent } from '../../events/port.js';

type Good<Outcome> = Extract<Outcome, { readonly ok: true }>;

/** The outcome, where it is a good one. @throws AssertionError */
export async function good<Outcome extends { readonly ok: boolean }>(outcome: Promise<Outcome> | Outcome): Promise<Good<Outcome>> {
  const settled = await outcome;
  return settled.ok ? (settled as Good<Outcome>) : fail(`expected it to be done, got: ${JSON.stringify(settled)}`);
}

/** The events of all pages. @throws AssertionError where one page cannot be read, or the pages have no end */
export async function allOf(store: EventStore, query: EventQuery = {}): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after = query.after, pages = 0; pages < 10_000; pages++) {
    const page = await good(store.read({ ...query, ...(after === undefined ? {} : { after }) }));
    events.push(...page.events);
    if (page.next === null) return events;
    after = page.next;
  }
  return fail('expected the pages to have an end');
}

export async function typesOf(store: EventStore, query: EventQuery = {}): Promise<string> {
  return (await allOf(store, query)).map(({ type }) => type).join(' ');
}

/** One event of each of these types, in one append. */
export function events(...types: readonly string[]): { type: string }[] {
  return types.map((type) => ({ type }));
}
