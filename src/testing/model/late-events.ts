/**
 * Events that a machine sends later by its own word: `raise` and `sendTo` with a delay, as they stand in its definition. What `enqueueActions` makes
 * when it runs is not seen there.
 */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { statesOf } from '../../charts/edges.js';
import type { CoverageItem } from './coverage-items.js';

/** One such event. */
export interface LateEvent {
  /** The id of its items, without their last word: `delay <machine id> raise(<event type>)`, with ` #<send id>` where it has one. */
  readonly item: string;
  /** The first state that sends it. */
  readonly state: string;
  /** Undefined where it is computed. */
  readonly type: string | undefined;
  /** By which it can be cancelled. */
  readonly id: string | undefined;
  /** Whether the machine ever does. */
  readonly isCancelled: boolean;
}

/** What XState makes of `raise`, `sendTo` and `cancel`. */
interface Builtin {
  readonly type?: string;
  readonly event?: unknown;
  readonly id?: string;
  readonly delay?: unknown;
  readonly sendId?: unknown;
}

/** Each of them once, in document order. Those of XState's own (`after`) are no such events. */
export function lateEventsOf(machine: AnyStateMachine): readonly LateEvent[] {
  const actions = statesOf(machine).flatMap((node) => {
    const transitions = [...node.transitions.values(), node.always ?? []].flat();
    const lists = [node.entry, node.exit, node.initial?.actions ?? [], ...transitions.map((definition) => definition.actions)];
    return lists.flat().map((action) => ({ state: node.id, action: builtinOf(action, machine) }));
  });
  const cancels = actions.flatMap(({ action }) => (action.type === 'xstate.cancel' ? [action.sendId] : []));
  const found = new Map<string, LateEvent>();
  for (const { state, action } of actions) {
    const kind = action.type === 'xstate.raise' ? 'raise' : action.type === 'xstate.sendTo' ? 'sendTo' : undefined;
    const { id, delay } = action;
    if (kind === undefined || delay === undefined || id?.startsWith('xstate.') === true) continue;
    const type = typeOf(action.event);
    if (type === undefined && id === undefined) continue;
    const item = `delay ${machine.id} ${kind}(${[type ?? '…', ...(id === undefined ? [] : [`#${id}`])].join(' ')})`;
    const isCancelled = id !== undefined && cancels.some((sendId) => sendId === id || typeof sendId === 'function');
    if (!found.has(item)) found.set(item, { item, state, type, id, isCancelled });
  }
  return [...found.values()];
}

/** It comes when its time has come; it is taken back, where the machine does so. */
export function lateItems({ item, state, isCancelled }: LateEvent): readonly CoverageItem[] {
  return ['fired', ...(isCancelled ? ['cancelled'] : [])].map((way): CoverageItem => ({ id: `${item} ${way}`, kind: 'delay', state }));
}

/** Watches those of one run. */
export class LateEvents {
  readonly #known: readonly LateEvent[];
  readonly #hit: (id: string) => void;
  readonly #waiting = new Map<AnyEventObject, { readonly late: LateEvent; readonly id: string | undefined }>();

  constructor(known: readonly LateEvent[], hit: (id: string) => void) {
    this.#known = known;
    this.#hit = hit;
  }

  scheduled(event: AnyEventObject, id: string | undefined): void {
    const late = this.#known.find((one) => one.id === id && (one.type ?? event.type) === event.type);
    if (late !== undefined) this.#waiting.set(event, { late, id });
  }

  sent(event: AnyEventObject): void {
    const waiting = this.#waiting.get(event);
    if (waiting === undefined) return;
    this.#waiting.delete(event);
    this.#hit(`${waiting.late.item} fired`);
  }

  cancelled(id: string): void {
    for (const [event, waiting] of this.#waiting) {
      if (waiting.id !== id) continue;
      this.#waiting.delete(event);
      this.#hit(`${waiting.late.item} cancelled`);
    }
  }

  forget(): void {
    this.#waiting.clear();
  }
}

function builtinOf(action: unknown, machine: AnyStateMachine): Builtin {
  const name = typeof action === 'string' ? action : typeof action === 'object' && action !== null ? (action as Builtin).type : undefined;
  const made: unknown = name === undefined ? action : (machine.implementations.actions as Readonly<Record<string, unknown>>)[name];
  return typeof made === 'function' ? (made as Builtin) : {};
}

function typeOf(event: unknown): string | undefined {
  if (typeof event === 'string') return event;
  const { type } = (event ?? {}) as { type?: unknown };
  return typeof event === 'object' && typeof type === 'string' ? type : undefined;
}
