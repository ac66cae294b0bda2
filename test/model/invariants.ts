/** What must hold for every machine of the house, after every step and at its end. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { World } from './world.js';

/** A claim about a world: undefined while it holds, else what is wrong. */
export type Claim<M extends AnyStateMachine> = (world: World<M>) => string | undefined;

/** Held after every step of every model. */
export const houseRules: Readonly<Record<string, Claim<AnyStateMachine>>> = {
  'the context is data': ({ snapshot }) => notData((snapshot as AnyMachineSnapshot).context, 'context'),
  'no actor is orphaned': (world) => {
    const snapshot = world.snapshot as AnyMachineSnapshot;
    const children = snapshot.children as Record<string, AnyActorRef | undefined>;
    const lost = world.running().filter((fake) => fake.ref._parent === world.actor && children[fake.id] !== fake.ref);
    return lost.length === 0 ? undefined : `running, but no longer a child: ${lost.map(({ id }) => id).join(', ')}`;
  },
  'nothing is sent to the dead': ({ deadLetters: [first] }) => (first === undefined ? undefined : `'${first.event.type}' was sent to '${first.to}'`),
  'nothing outlives the end': (world) => ((world.snapshot as AnyMachineSnapshot).status === 'active' ? undefined : leftovers(world)),
};

/** What is still alive in a world whose actor has ended. */
export function leftovers<M extends AnyStateMachine>(world: World<M>): string | undefined {
  const alive = world.running().map(({ id }) => id);
  if (alive.length > 0) return `actors still run: ${alive.join(', ')}`;
  const timers = world.clock.pending();
  return timers === 0 ? undefined : `${timers} timers are still set`;
}

/** Where `value` holds something that JSON would change, undefined where it holds none. Properties that are undefined are allowed. */
export function notData(value: unknown, where: string, within: readonly unknown[] = []): string | undefined {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${where} is ${String(value)}`;
  if (typeof value !== 'object') return `${where} is a ${typeof value}`;
  if (within.includes(value)) return `${where} is a circle`;
  const inner = [...within, value];
  if (Array.isArray(value)) return first(value.map((item, index) => notData(item, `${where}[${index}]`, inner)));
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) return `${where} is a ${value.constructor?.name ?? 'strange object'}`;
  return first(Object.entries(value).map(([key, item]) => notData(item, `${where}.${key}`, inner)));
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
