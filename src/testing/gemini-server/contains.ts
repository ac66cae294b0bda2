/** True when every field of `pattern` is in `value`; lists must have the same length. */
export function contains(value: unknown, pattern: unknown): boolean {
  if (typeof pattern !== 'object' || pattern === null) return Object.is(value, pattern);
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(pattern)) return false;
  if (Array.isArray(pattern) && pattern.length !== (value as unknown[]).length) return false;
  return Object.entries(pattern).every(([key, part]) => contains((value as Record<string, unknown>)[key], part));
}
