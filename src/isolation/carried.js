// @ts-check
/**
 * What hinders a value on its way to a thread or a process, and back. In JavaScript, since it is asked on every side.
 *
 * A structured clone writes and reads what is nested on the stack, so whoever has the shorter one, which is the app, cannot read what a thread could write, and is
 * told so where nobody can catch it. So whoever sends asks first. And a process takes less than a thread: a Blob, say, would arrive there as an object without
 * anything in it.
 */
import { types } from 'node:util';
import { receiveMessageOnPort } from 'node:worker_threads';

/**
 * How many objects may be within each other. With the stack that Node has by default a clone ends at some 1 900; this leaves three quarters to whatever else is
 * on that stack.
 */
export const mostLevels = 500;

/** @typedef {'deep' | 'hidden' | 'strange'} Obstacle */

/** One with fewer values, none of them an object, is not remembered as seen: to look again costs less than its place. */
const fewValues = 16;

// Taken before any job could put another in their place. The first is what tells a getter without an object for each property.
const getterOf = /** @type {(this: unknown, key: PropertyKey) => unknown} */ (Reflect.get(Object.prototype, '__lookupGetter__'));
const { getOwnPropertyDescriptor, getPrototypeOf, hasOwn, keys } = Object;
const eachOfMap = Map.prototype.forEach;
const eachOfSet = Set.prototype.forEach;

/**
 * Goes through a value as a clone does, in its order, since how deep it goes depends on that; and runs nothing that is in it.
 * @param {unknown} value
 * @returns {Obstacle | null} `deep`: more than {@link mostLevels}; `hidden`: a getter, so that nobody can say before it is cloned, but who asks of the clone is
 *   told; `strange`: what only threads can be given
 */
export function obstacleIn(value) {
  const seen = new Set();
  const left = [value];
  const levels = [1];
  let isStrange = false;
  while (left.length > 0) {
    const one = left.pop();
    const level = /** @type {number} */ (levels.pop());
    if (typeof one !== 'object' || one === null || seen.has(one)) continue;
    if (level > mostLevels) return 'deep';
    const { held, count, isWhole } = lookInto(one);
    if (held === null) return 'hidden';
    isStrange ||= !isWhole;
    if (held.length > 0 || count > fewValues) seen.add(one);
    // The first is to be the next.
    for (let at = held.length - 1; at >= 0; at--) {
      left.push(held[at]);
      levels.push(level + 1);
    }
  }
  return isStrange ? 'strange' : null;
}

/**
 * An obstacle in words.
 * @param {Obstacle} obstacle
 */
export function wordsOf(obstacle) {
  if (obstacle === 'deep') return `the result has more than ${mostLevels} levels of objects within each other`;
  return 'the result holds what cannot go to another process, such as a Blob';
}

/**
 * What is told of a job whose result did not arrive.
 * @param {unknown} fault  of whoever could not write it, or could not read it
 * @returns {{ status: 'failed', error: import('./seat.js').JobError }}
 */
export function lostResult(fault) {
  const message = fault instanceof Error ? fault.message : '';
  return { status: 'failed', error: { cause: 'uncloneable', name: 'DataCloneError', message, code: null, stack: null } };
}

/**
 * The answer that waits at a job's port; undefined where none does. One that cannot be read is a {@link lostResult}.
 * @param {import('node:worker_threads').MessagePort} port
 * @returns {import('./seat.js').Answer | undefined}
 */
export function answerAt(port) {
  try {
    return receiveMessageOnPort(port)?.message;
  } catch (fault) {
    return lostResult(fault);
  }
}

/** @typedef {{ held: object[] | null, count: number, isWhole: boolean }} Inside objects in it, null: there is a getter; how many values were looked at */

/**
 * @param {object} value
 * @returns {Inside}
 */
function lookInto(value) {
  // To look at it is to run it. No clone takes it.
  if (types.isProxy(value)) return { held: [], count: 0, isWhole: false };
  if (Array.isArray(value)) return { ...inList(value), isWhole: true };
  const isOrdinary = isPlain(value);
  if (!isOrdinary) {
    /** @type {object[]} */
    const held = [];
    const add = (/** @type {unknown} */ one) => void (isObject(one) && held.push(one));
    if (types.isMap(value)) {
      // A clone writes a key, then what it is of.
      eachOfMap.call(value, (one, key) => (add(key), add(one)));
      return { held, count: value.size, isWhole: true };
    }
    if (types.isSet(value)) {
      eachOfSet.call(value, add);
      return { held, count: value.size, isWhole: true };
    }
    if (types.isNativeError(value)) {
      // A clone leaves one that is a getter.
      add(getOwnPropertyDescriptor(value, 'cause')?.value);
      return { held, count: 1, isWhole: true };
    }
    if (isLeaf(value)) return { held, count: 1, isWhole: true };
  }
  const names = keys(value);
  return { held: valuesOf(value, names), count: names.length, isWhole: isOrdinary };
}

/**
 * Without the names that a list may have beside its places: to ask for those is to have them all written out.
 * @param {unknown[]} list
 * @returns {{ held: object[] | null, count: number }}
 */
function inList(list) {
  /** @type {object[]} */
  const held = [];
  let holes = 0;
  for (let at = 0; at < list.length; at++) {
    if (!hasOwn(list, at)) {
      // Most are not there: to go on place by place could take for ever.
      if (++holes <= at / 2 + fewValues) continue;
      const names = keys(list);
      return { held: valuesOf(list, names), count: names.length };
    }
    if (getterOf.call(list, at) !== undefined) return { held: null, count: at };
    const one = list[at];
    if (isObject(one)) held.push(one);
  }
  return { held, count: list.length };
}

/**
 * @param {object} value
 * @param {readonly string[]} names
 * @returns {object[] | null}
 */
function valuesOf(value, names) {
  /** @type {object[]} */
  const held = [];
  for (const name of names) {
    if (getterOf.call(value, name) !== undefined) return null;
    const one = /** @type {Record<string, unknown>} */ (value)[name];
    if (isObject(one)) held.push(one);
  }
  return held;
}

/**
 * @param {unknown} value
 * @returns {value is object}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** @param {object} value */
function isPlain(value) {
  const prototype = getPrototypeOf(value);
  return (prototype === null || getPrototypeOf(prototype) === null) && !types.isBoxedPrimitive(value);
}

/** @param {object} value */
function isLeaf(value) {
  const { isAnyArrayBuffer, isBoxedPrimitive, isDate, isRegExp } = types;
  return ArrayBuffer.isView(value) || [isAnyArrayBuffer, isBoxedPrimitive, isDate, isRegExp].some((is) => is(value));
}
