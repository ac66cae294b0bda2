/** A schedule that somebody has kept, or written, looked at before anything starts: no step of it is struck that means nothing. */
import { refuse, requireKeys } from '../world/options.js';
import { networkFaultKinds, type NetworkFaultKind } from './schedule.js';

type Check = (value: unknown, names: readonly string[], what: string) => void;

const isNode: Check = (value, names, what) => {
  if (!names.includes(value as string)) refuse(`${what} out of the nodes ${names.join(', ')}`, value);
};
const isMs: Check = (value, _, what) => {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) refuse(`${what}, ms of at least 0`, value);
};
const isChance: Check = (value, _, what) => {
  if (!(typeof value === 'number' && value >= 0 && value <= 1)) refuse(`${what}, a chance of 0 to 1`, value);
};
const isJump: Check = (value, _, what) => {
  if (!Number.isFinite(value)) refuse(`${what}, a number of ms`, value);
};
const isRate: Check = (value, _, what) => {
  if (!(Number.isFinite(value) && (value as number) > 0)) refuse(`${what}, a number above 0`, value);
};
const isFlag: Check = (value, _, what) => {
  if (typeof value !== 'boolean') refuse(`${what}, true or false`, value);
};
const areSides: Check = (value, names, what) => {
  const sides: readonly unknown[] = Array.isArray(value) ? value : [];
  if (sides.length !== 2 || !sides.every(Array.isArray)) refuse(`${what}, two lists of nodes`, value);
  const all = sides.flat();
  for (const name of all) isNode(name, names, what);
  if (new Set(all).size < all.length) refuse(`${what} of which each has other nodes`, value);
};

const link = { from: isNode, to: isNode, forMs: isMs };

/** What a fault says beside its kind and its moment. */
const faults: Readonly<Record<NetworkFaultKind, Readonly<Record<string, Check>>>> = {
  partition: { sides: areSides, oneWay: isFlag, forMs: isMs },
  pause: { node: isNode, forMs: isMs },
  crash: { node: isNode, forMs: isMs },
  clockJump: { node: isNode, byMs: isMs },
  wallJump: { node: isNode, byMs: isJump },
  drift: { node: isNode, rate: isRate, forMs: isMs },
  drop: { ...link, chance: isChance },
  duplicate: { ...link, chance: isChance },
  reorder: { ...link, chance: isChance },
  slow: { ...link, byMs: isMs },
};

/** What an operation says: which there are is known when the world is there. */
const operation: Readonly<Record<string, Check>> = {
  operation: (value, _, what) => {
    if (typeof value !== 'string') refuse(`${what}, the name of an operation`, value);
  },
  node: isNode,
};

/** @throws EspalierError `testing/invalid-options` for the first fault */
export function requireSchedule(schedule: unknown, names: readonly string[]): void {
  requireKeys(schedule, ['steps', 'isCalm'], '`schedule`');
  const { steps, isCalm = false } = schedule as Readonly<Record<string, unknown>>;
  if (!Array.isArray(steps)) refuse('`schedule`, with `steps`', schedule);
  isFlag(isCalm, names, '`schedule.isCalm`');
  let before = 0;
  for (const [index, step] of (steps as readonly unknown[]).entries()) {
    const what = `step ${index + 1} of \`schedule\``;
    if (typeof step !== 'object' || step === null) refuse(`${what} to be an object`, step);
    const said = step as Readonly<Record<string, unknown>>;
    const { fault, atMs } = said;
    const isFault = 'fault' in said;
    if (isFault && !networkFaultKinds.includes(fault as NetworkFaultKind))
      refuse(`\`fault\` of ${what} out of ${networkFaultKinds.join(', ')}`, fault);
    const checks = isFault ? faults[fault as NetworkFaultKind] : operation;
    requireKeys(step, ['atMs', ...(isFault ? ['fault'] : ['input']), ...Object.keys(checks)], what);
    isMs(atMs, names, `\`atMs\` of ${what}`);
    if ((atMs as number) < before) refuse(`the steps of \`schedule\` in the order of their moments`, atMs);
    before = atMs as number;
    for (const [name, check] of Object.entries(checks)) check(said[name], names, `\`${name}\` of ${what}`);
  }
}
