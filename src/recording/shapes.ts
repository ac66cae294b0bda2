/**
 * Objects with the same keys in the same order, as an app makes them by the thousand: what is written of one is made at once, and filled, which costs less
 * than key by key, and takes no more memory than its keys need.
 */

/** What is known of a key that was seen before. */
export interface KnownKey {
  /** As it stands in what is written. */
  readonly name: string;
  /** With its quotes, its colon and a comma. */
  readonly bytes: number;
  /** Is its value redacted? */
  readonly isSecret: boolean;
  /** Would it be taken for a mark? */
  readonly isMark: boolean;
  /** As a step of a JSON pointer. */
  readonly step: string;
}

/** Keys in their order, none of which is a mark or written otherwise than it is. */
export interface Shape {
  readonly known: readonly KnownKey[];
  /** An object with these keys; to be copied. */
  readonly blank: Readonly<Record<string, null>>;
}

interface Candidate {
  readonly keys: readonly string[];
  /** How often it was met in a row; then it is worth a shape. */
  met: number;
  shape: Shape | undefined;
  /** Another with the same last key. */
  next: Candidate | undefined;
}

/** Larger objects are written key by key. */
const mostKeys = 24;
/** How often an object is met before it is one of many. */
const worthShape = 3;
/** How many last keys are kept, and how many objects of each; then they are forgotten: whose keys are data would fill it. */
const mostLast = 200;
const mostOfLast = 4;

export class Shapes {
  readonly #keyOf: (key: string) => KnownKey;
  /** By the last key. */
  readonly #candidates = new Map<string, Candidate>();

  constructor(keyOf: (key: string) => KnownKey) {
    this.#keyOf = keyOf;
  }

  /** The shape of an object with these keys, where it is one of many. */
  of(keys: readonly string[]): Shape | undefined {
    const { length } = keys;
    if (length === 0 || length > mostKeys) return undefined;
    const last = keys[length - 1] as string;
    const first = this.#candidates.get(last);
    let count = 0;
    for (let one = first; one !== undefined; one = one.next) {
      if (areSame(one.keys, keys)) return one.met < worthShape ? this.#meet(one) : one.shape;
      count++;
    }
    if (first === undefined && this.#candidates.size >= mostLast) this.#candidates.clear();
    this.#candidates.set(last, { keys, met: 1, shape: undefined, next: count < mostOfLast ? first : undefined });
    return undefined;
  }

  #meet(one: Candidate): Shape | undefined {
    if (++one.met === worthShape) one.shape = this.#shapeOf(one.keys);
    return one.shape;
  }

  #shapeOf(keys: readonly string[]): Shape | undefined {
    const known = keys.map((key) => this.#keyOf(key));
    if (!known.every(({ name, isMark }, index) => name === keys[index] && !isMark && isSteady(name))) return undefined;
    // As JSON it gets room for its keys and no more.
    return { known, blank: JSON.parse(JSON.stringify(Object.fromEntries(keys.map((key) => [key, null])))) as Record<string, null> };
  }
}

/** An index is not where it was put, `__proto__` is no key to be assigned, and a session id is another actor's tomorrow. */
function isSteady(name: string): boolean {
  return !/^(?:\d|__proto__$|x:|xstate\.)/.test(name) && name.length <= 100;
}

function areSame(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}
