// @ts-check
/**
 * What goes to another process and comes back the same. A structured clone knows more than that: a Blob, say, which would arrive as an object without anything
 * in it. In JavaScript, since it is asked on both sides.
 */
import { types } from 'node:util';

/**
 * @param {unknown} clone  a structured clone
 * @returns {boolean} can it be carried, with all that is in it?
 */
export function isCarried(clone) {
  const seen = new Set();
  /** @type {unknown[]} */
  const left = [clone];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (types.isMap(value)) for (const [key, held] of value) left.push(key, held);
    else if (types.isSet(value)) for (const held of value) left.push(held);
    else if (Array.isArray(value) || isPlain(value)) {
      for (const held of Object.values(value)) if (typeof held === 'object' && held !== null) left.push(held);
    } else if (!isWhole(value)) return false;
  }
  return true;
}

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === null || Object.getPrototypeOf(prototype) === null) && !types.isBoxedPrimitive(value);
}

/** @param {object} value */
function isWhole(value) {
  const { isAnyArrayBuffer, isBoxedPrimitive, isDate, isNativeError, isRegExp } = types;
  return ArrayBuffer.isView(value) || [isAnyArrayBuffer, isBoxedPrimitive, isDate, isNativeError, isRegExp].some((is) => is(value));
}
