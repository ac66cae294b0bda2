/** A part of a value, found before anything of it is written: what is cut in the whole may be short by itself. */
import { isPlain, looksLikeActor } from '../recording/portable.js';
import { stepsOf } from '../wire/recording/patch.js';
import { isSecretPair } from '../wire/secret-keys.js';

/**
 * Looks through plain objects and lists only; where there are marks in between, or keys or pairs whose values are not to be read, the whole has to be written.
 * @param pointer  as into what would be written
 * @returns undefined where it is not found so. Never throws.
 */
export function rawPart(value: unknown, pointer: string, secret: RegExp | null): { readonly part: unknown } | undefined {
  try {
    let part = value;
    for (const key of stepsOf(pointer)) {
      if (typeof part !== 'object' || part === null || key.startsWith('$') || secret?.test(key) === true) return undefined;
      // The value of such a pair does not say by itself that it is one.
      if (Array.isArray(part) && isSecretPair(part, secret)) return undefined;
      const isThrough = Array.isArray(part) ? /^\d+$/.test(key) : isPlain(part) && !looksLikeActor(part) && !('machine' in part);
      const property = isThrough ? Object.getOwnPropertyDescriptor(part, key) : undefined;
      if (property?.enumerable !== true || !('value' in property)) return undefined;
      part = property.value;
    }
    return part === undefined ? undefined : { part };
  } catch {
    return undefined;
  }
}
