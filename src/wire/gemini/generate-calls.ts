/**
 * Function calls whose arguments come in parts, put together.
 *
 * A call begins with its name and `willContinue`, goes on with `partialArgs`, each a value for a path of its arguments (`$.items[0].name`), and ends with
 * the first piece that will not continue, which may be empty. Texts come in pieces as well: one with `willContinue` is gone on with by the next of the
 * same path.
 *
 * @see Vertex AI, function calling: streamFunctionCallArguments; @google/genai 3.1.0 declarations: PartialArg
 */
type Args = Record<string, unknown>;

/** A piece of the arguments, as it came. */
export interface PartialArg {
  readonly jsonPath?: unknown;
  readonly stringValue?: unknown;
  readonly numberValue?: unknown;
  readonly boolValue?: unknown;
  readonly nullValue?: unknown;
  readonly willContinue?: unknown;
}

type Step = string | number;

/** A list may be filled one after the other, so no path can name a far place: it would make a list of holes. */
const longestGap = 1;
const deepest = 64;

/** Puts the arguments of one call together. */
export class CallArguments {
  readonly args: Args = {};
  #openPath: string | null = null;

  /** Is a text still to be gone on with? */
  get isOpen(): boolean {
    return this.#openPath !== null;
  }

  /** Adds arguments that came whole. */
  addWhole(args: Readonly<Args>): void {
    for (const [name, value] of Object.entries(args)) put(this.args, [name], () => value);
  }

  /** Adds a piece. @returns in words what is wrong with it, or null */
  add(piece: PartialArg): string | null {
    const { jsonPath, willContinue } = piece;
    if (typeof jsonPath !== 'string') return 'a piece without jsonPath';
    const path = stepsOf(jsonPath);
    if (path === null) return 'a jsonPath that is none';
    const value = valueOf(piece);
    if (value === undefined && !('stringValue' in piece)) {
      this.#openPath = willContinue === true ? jsonPath : null;
      return null;
    }
    const goesOn = this.#openPath === jsonPath && typeof value === 'string';
    const fault = put(this.args, path, (before) => (goesOn && typeof before === 'string' ? before + value : value));
    this.#openPath = willContinue === true ? jsonPath : null;
    return fault;
  }
}

function valueOf({ stringValue, numberValue, boolValue, nullValue }: PartialArg): unknown {
  if (stringValue !== undefined) return stringValue;
  if (numberValue !== undefined) return numberValue;
  if (boolValue !== undefined) return boolValue;
  return nullValue === undefined ? undefined : null;
}

/** The steps of a path: `$.a[0]['b c']` is a, 0, b c. Null for what is no such path. */
function stepsOf(jsonPath: string): readonly Step[] | null {
  if (!jsonPath.startsWith('$')) return null;
  const steps: Step[] = [];
  const step = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < jsonPath.length) {
    const found = step.exec(jsonPath);
    if (found === null || steps.length === deepest) return null;
    const [, name, index, single, double] = found;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return steps.length === 0 ? null : steps;
}

/** Sets what is at a path, and makes what leads there. */
function put(root: Args, path: readonly Step[], change: (before: unknown) => unknown): string | null {
  let place: Args | unknown[] = root;
  for (const [depth, step] of path.entries()) {
    const next = path[depth + 1];
    if (Array.isArray(place) !== (typeof step === 'number')) return 'a path that does not fit what is there';
    if (Array.isArray(place) && (step as number) > place.length - 1 + longestGap) return 'a path beyond the end of its list';
    const before: unknown = Object.hasOwn(place, step) ? (place as Args)[step] : undefined;
    const after: unknown = next === undefined ? change(before) : isPlace(before) ? before : typeof next === 'number' ? [] : {};
    // Not an assignment: `__proto__` would be one of another kind.
    if (after !== before) Object.defineProperty(place, step, { value: after, enumerable: true, configurable: true, writable: true });
    if (next !== undefined) place = after as Args | unknown[];
  }
  return null;
}

function isPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
