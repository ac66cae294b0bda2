/** How each item of a coverage stands: what the report says of it, in a picture, a table or a text. */
import type { Coverage } from '../model/coverage.js';
import type { CoverageItem, CoverageKind } from '../model/coverage-items.js';

/** `open`: neither reached nor waived. */
export type Mark = 'open' | 'waived' | 'covered';

/** One item of a coverage. */
export interface Standing {
  readonly id: string;
  readonly kind: CoverageKind;
  readonly mark: Mark;
  readonly hits: number;
  /** A shortest executed path to it: a start, then cases. Where nothing reached it, to the state that it belongs to. */
  readonly path: readonly string[] | undefined;
  /** Why it need not be reached. */
  readonly waived: string | undefined;
}

const order: readonly Mark[] = ['open', 'waived', 'covered'];

/** Every item: what is missing first, then what is waived, each in document order. */
export function standings(coverage: Coverage): readonly Standing[] {
  const all = coverage.items.map((item) => standing(coverage, item));
  return order.flatMap((mark) => all.filter((one) => one.mark === mark));
}

export function standing(coverage: Coverage, { id, kind, state }: CoverageItem): Standing {
  const hits = coverage.hits(id);
  const waived = Object.hasOwn(coverage.waivers, id) ? String(coverage.waivers[id]) : undefined;
  const mark = hits > 0 ? 'covered' : waived === undefined ? 'open' : 'waived';
  return { id, kind, mark, hits, path: coverage.pathTo(hits > 0 ? id : `state ${state}`), waived };
}

/** Ids that are waived though the machine has no such item. */
export function strayWaivers(coverage: Coverage): readonly string[] {
  const ids = new Set(coverage.items.map(({ id }) => id));
  return Object.keys(coverage.waivers).filter((id) => !ids.has(id));
}

/** A count as words: `×12`, `never`, `waived`. */
export function countOf({ mark, hits }: Pick<Standing, 'mark' | 'hits'>): string {
  return mark === 'covered' ? `×${hits}` : mark === 'open' ? 'never' : 'waived';
}

/** All that is known of an item, one fact a line. */
export function facts(item: Standing): string {
  const count = item.mark === 'covered' ? `${item.hits} hits` : 'never reached';
  return [item.id, count, waiverOf(item), wayTo(item)].filter((fact) => fact !== '').join('\n');
}

/** Why it need not be reached, and whether it was all the same; nothing where it is not waived. */
export function waiverOf({ waived, mark }: Standing): string {
  if (waived === undefined) return '';
  return `${mark === 'covered' ? 'waived, but reached' : 'waived'}: ${waived}`;
}

/** The way to an item, or as near to it as any path came. */
export function wayTo({ path, mark }: Standing): string {
  if (path === undefined) return 'no executed path reaches its state';
  return `${mark === 'covered' ? 'by' : 'its state is reached by'}: ${path.join(' → ')}`;
}

/** How deep the green is, from 1 (once) to 4 (a hundred times and more). */
export function shade(hits: number): 1 | 2 | 3 | 4 {
  return hits >= 100 ? 4 : hits >= 10 ? 3 : hits >= 2 ? 2 : 1;
}

/** The mark of several things drawn as one: what is open shows, and what is covered hides what is waived. */
export function together(parts: readonly Pick<Standing, 'mark' | 'hits'>[]): { mark: Mark; hits: number } {
  const marks = new Set(parts.map(({ mark }) => mark));
  const mark = marks.has('open') ? 'open' : marks.has('covered') ? 'covered' : 'waived';
  return { mark, hits: parts.reduce((sum, { hits }) => sum + hits, 0) };
}
