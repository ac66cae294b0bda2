/** The names that options may have. A misspelt option would silently be the default, so what nobody knows is refused. */

/** Names by a table that the compiler holds to the type: none missing, none too many. */
export function keysOf<Options>(table: Readonly<Record<keyof Options, true>>): readonly string[] {
  return Object.keys(table);
}

/** What is wrong with an object of options as such: what was expected, and what came. */
export interface KeyFault {
  readonly expected: string;
  readonly got: unknown;
}

/**
 * The first name that nobody knows, or options that are no object at all; null when there is nothing of the kind.
 * @param known  the names that are known, as the message tells them
 * @param what   what it is called in the message: `the options of a task`
 * @param also   names that are let pass, but are nobody's to give
 * @throws never
 */
export function faultOfKeys(options: unknown, known: readonly string[], what: string, also: readonly string[] = []): KeyFault | null {
  if (!isPlain(options)) return { expected: `${what} to be a plain object`, got: options };
  for (const key of Object.keys(options))
    if (!known.includes(key) && !also.includes(key)) return { expected: `${what} with the keys ${known.join(', ')}`, got: key };
  return null;
}

/** An object as `{}` makes it, here or in another realm: no list, and no Map, Promise or other instance, whose content has no names. */
export function isPlain(value: unknown): value is object {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Is it an object with names, and no list? */
export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
