/**
 * What stands for a value that a recording does not hold: whoever asks it gets an answer of the same kind, and nothing breaks. The code of an app that
 * is replayed asks it in places that nobody here can catch: a `TypeError` in an async assign would be a rejection that ends the process.
 *
 * Its properties, and what it gives when it is called or constructed, stand for the same. As a number it is NaN, as a text it is empty, it iterates over
 * nothing, what is written to it is gone. Awaited it never settles: nothing behind the `await` runs, with a value that there never was.
 */

/** So often something may be asked of such values in one step: a loop that walks from one to the next would have no end. */
const mostTouches = 10_000;

/** What a step has asked of values that a recording does not hold. */
export class Touches {
  readonly #words = new Set<string>();
  #count = 0;

  /** Each once, in the order in which it was asked first. */
  get words(): readonly string[] {
    return [...this.#words];
  }

  /** The next step begins. */
  begin(): void {
    this.#words.clear();
    this.#count = 0;
  }

  /** @returns whether there is an answer; none beyond what one step may ask */
  note(words: string): boolean {
    this.#words.add(words);
    return ++this.#count <= mostTouches;
  }
}

/** Calls nothing, constructs nothing: it only makes a proxy that can be called and constructed. */
function callable(): object {
  const target = function target(): void {};
  Reflect.deleteProperty(target, 'name');
  Reflect.deleteProperty(target, 'length');
  return target;
}

/**
 * A value that stands for one that is not there.
 * @param isFunction  by `typeof`; else it is an object
 * @param held  what is known of it all the same: that is answered as it is, and `known` names what of it is known not to be there
 * @param stands  told of every value that stands for it: of this one, and of the one that its properties are
 */
export function blackHole(
  { isFunction = false, held = {}, known = [] }: { readonly isFunction?: boolean; readonly held?: object; readonly known?: readonly string[] },
  words: string,
  touches: Touches,
  stands: (value: object) => void,
): object {
  let inner: object | undefined;
  const answer = (): object => (inner ??= made(callable()));
  const asked = (): object | undefined => (touches.note(words) ? answer() : undefined);
  const made = (target: object): object => {
    const hole = new Proxy(target, {
      get: (_, key): unknown => {
        if (Object.hasOwn(target, key) || known.includes(String(key))) return Reflect.get(target, key);
        const given = asked();
        if (typeof key === 'string') return given;
        if (key === Symbol.toPrimitive) return (hint: string) => (hint === 'number' ? NaN : '');
        if (key === Symbol.iterator) return () => [].values();
        if (key === Symbol.asyncIterator) return () => nothingLater();
        return undefined;
      },
      apply: asked,
      // A constructor gives an object, or throws.
      construct: () => asked() ?? {},
      has: (_, key) => {
        asked();
        return Reflect.has(target, key);
      },
      getPrototypeOf: () => {
        asked();
        return Reflect.getPrototypeOf(target);
      },
      ownKeys: () => {
        asked();
        return Reflect.ownKeys(target);
      },
      set: () => {
        asked();
        return true;
      },
      deleteProperty: () => {
        asked();
        return true;
      },
    });
    stands(hole);
    return hole;
  };
  return made(isFunction ? callable() : held);
}

async function* nothingLater(): AsyncGenerator<never, void> {}
