/** What must hold for every machine, after every step and at its end: the kit's own claims. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { Claim } from './model.js';
import type { Run } from './run.js';

/** Held after every step of every model, unless it is excused with a reason. */
export const kitClaims: Readonly<Record<string, Claim<AnyStateMachine>>> = {
  'the context is data': ({ snapshot }) => notData((snapshot as AnyMachineSnapshot).context, 'context'),
  'every actor is in the hand of the model': ({ strangers: [first] }) =>
    first === undefined ? undefined : `'${first}' runs by itself: name its logic in setup({ actors }), and give it outcomes`,
  'no actor is orphaned': (run) => {
    const snapshot = run.snapshot as AnyMachineSnapshot;
    const children = snapshot.children as Record<string, AnyActorRef | undefined>;
    const lost = run.running().filter((fake) => fake.ref._parent === run.actor && children[fake.id] !== fake.ref);
    return lost.length === 0 ? undefined : `running, but no longer a child: ${lost.map(({ id }) => id).join(', ')}`;
  },
  'nothing is sent to the dead': ({ deadLetters: [first] }) => (first === undefined ? undefined : `'${first.event.type}' was sent to '${first.to}'`),
  'nothing outlives the end': (run) => (run.isActive ? undefined : leftovers(run)),
};

/** What is still alive in a run whose actor has ended. */
export function leftovers<M extends AnyStateMachine>(run: Run<M>): string | undefined {
  const alive = run.running().map(({ id }) => id);
  if (alive.length > 0) return `actors still run: ${alive.join(', ')}`;
  const timers = run.clock.pending();
  return timers === 0 ? undefined : timers === 1 ? '1 timer is still set' : `${timers} timers are still set`;
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
