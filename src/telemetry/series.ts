/**
 * The series of one instrument, by the values of its labels, and no more of them than may be.
 *
 * What comes beyond the bound is not lost: it is counted in one series more, whose labels all say `__other__`. No series ever goes, so that a counter never
 * falls; memory is bounded by the bound.
 */

/** What the labels of the series beyond the bound say. */
export const overflowLabel = '__other__';

/** Values of labels, by name. What is no text is written as one; one that is missing is an empty text, and one that was not declared is let go. */
export type Labels<Name extends string = string> = { readonly [Label in Name]?: string | number | boolean | null };

/** Longest value of a label, characters; what is longer is cut. */
const longestValue = 128;

/** One series: the values of its labels in their order, and what is kept of it. */
export interface Series<State> {
  readonly labels: Readonly<Record<string, string>>;
  /** Those that say something: where an empty text is no attribute. */
  readonly present: Readonly<Record<string, string>>;
  readonly state: State;
}

export interface SeriesOptions<State> {
  readonly names: readonly string[];
  /** How many series there may be, that of the overflow apart. */
  readonly most: number;
  make(labels: Readonly<Record<string, string>>): State;
  /** For each record that found no room. */
  overflowed(): void;
}

/** Called for each record: no allocation where the series is there. */
export class SeriesSet<State> {
  readonly #options: SeriesOptions<State>;
  readonly #series = new Map<string, Series<State>>();
  readonly #only: string;
  #overflow: Series<State> | undefined;

  constructor(options: SeriesOptions<State>) {
    this.#options = options;
    this.#only = options.names.length === 1 ? (options.names[0] as string) : '';
  }

  /** The series of these labels, or that of the overflow. @throws what a label throws that is a getter */
  of(labels: Labels | undefined): Series<State> {
    const key = this.#keyOf(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const { most, names } = this.#options;
    // Whoever says so himself means the same: two series of the same labels would be none that can be read.
    if (names.length > 0 && names.every((name) => labels?.[name] === overflowLabel)) return this.#other();
    if (this.#series.size >= most) return this.#beyond();
    const made = this.#make(Object.fromEntries(names.map((name) => [name, textOf(labels?.[name])])));
    this.#series.set(key, made);
    return made;
  }

  /** All there are, the overflow last. */
  all(): Series<State>[] {
    return [...this.#series.values(), ...(this.#overflow === undefined ? [] : [this.#overflow])];
  }

  #keyOf(labels: Labels | undefined): string {
    if (this.#only !== '') return textOf(labels?.[this.#only]);
    let key = '';
    for (const name of this.#options.names) {
      const text = textOf(labels?.[name]);
      // With its length before it, no value can pass for two.
      key += `${text.length}:${text}`;
    }
    return key;
  }

  #beyond(): Series<State> {
    const other = this.#other();
    this.#options.overflowed();
    return other;
  }

  #other(): Series<State> {
    return (this.#overflow ??= this.#make(Object.fromEntries(this.#options.names.map((name) => [name, overflowLabel]))));
  }

  #make(labels: Readonly<Record<string, string>>): Series<State> {
    const present = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
    return { labels, present, state: this.#options.make(labels) };
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.length > longestValue ? value.slice(0, longestValue) : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return '';
}
