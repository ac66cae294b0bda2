/** Objects within each other, of each kind that a clone goes into. In JavaScript, since jobs of the tests make them too. */
import { runInNewContext } from 'node:vm';

const foreign = runInNewContext('(held) => ({ held })');
const one = {
  lists: (held) => [held],
  objects: (held) => ({ held }),
  maps: (held) => new Map([[1, held]]),
  keys: (held) => new Map([[held, 1]]),
  sets: (held) => new Set([held]),
  errors: (held) => new Error('x', { cause: held }),
  'lists with many holes': (held) => Object.assign([], { 1_000_000_000: held }),
  'objects of a class': (held) => Object.assign(Object.create({ own: true }), { held }),
  'objects of another realm': (held) => foreign(held),
};
export const kinds = Object.keys(one);

/** So many objects, each in the next. */
export const nest = ({ levels, kind = 'lists' }) => {
  let held = 1;
  for (let level = 0; level < levels; level++) held = one[kind](held);
  return held;
};
/** How deep it is to whoever goes from the first of the list to the next; each is one step from the beginning, too. */
export const chain = ({ levels }) => {
  const all = Array.from({ length: levels - 1 }, () => ({}));
  for (const [at, each] of all.entries()) Object.assign(each, { next: all[at + 1] });
  return all;
};
/** Only once it is asked for, and then anew each time. */
export const behindGetter = ({ levels }) => {
  let asked = 0;
  const get = () => ({ asked: ++asked, nest: nest({ levels: levels - 2 }) });
  return Object.defineProperty({}, 'held', { enumerable: true, get });
};
