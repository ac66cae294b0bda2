/** How a configuration refuses what it is given: typed, at the call, without showing a value. */
import { EspalierError } from '../errors.js';
import { optionChecks, sortOf } from '../option-checks.js';
import { deepest, type Path, readPath } from './paths.js';

/** `config/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('config/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, duration, count } = optionChecks(invalid);

/** @throws EspalierError `config/invalid-options` */
export function requirePath(path: unknown, name = 'path'): Path {
  const read = readPath(path);
  if (read !== null) return read;
  const expected = `names with dots between them, or a list of names: 1 to ${deepest}, none empty, none of __proto__, constructor, prototype`;
  throw invalid(name, expected, sortOf(path));
}
