/** Actions that a machine ordered, as a recording writes them; the same words for those that ran and for those that a replay only collects. */
import type { AnyActorRef } from 'xstate';

import type { RecordedAction } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { looksLikeActor, type Naming } from './portable.js';

/** Who writes the values of an action. */
export interface ActionWriter {
  write(value: unknown): Portable;
  writeEvent(event: object): Portable;
  text(text: string): string;
}

/** An action of XState's inspection, or of a pure transition. */
export interface OrderedAction {
  readonly type: string;
  readonly params?: unknown;
}

interface BuiltInParams {
  readonly event?: unknown;
  readonly delay?: unknown;
  readonly id?: unknown;
  readonly to?: unknown;
  readonly actorRef?: AnyActorRef;
  readonly src?: unknown;
  readonly input?: unknown;
  readonly sendId?: unknown;
}

/** Null for what has no effect on anybody: a log line, an event raised at once. */
export function recordedAction({ type, params }: OrderedAction, writer: ActionWriter, naming: Naming): RecordedAction | null {
  // What an app's own action is given comes without a wrapping.
  if (!type.startsWith('xstate.')) return own(type, params, writer);
  const p = (params ?? {}) as BuiltInParams;
  const id = typeof p.id === 'string' ? { id: writer.text(p.id) } : {};
  switch (type) {
    case 'xstate.emit':
      return { kind: 'emit', event: writer.writeEvent(p.event as object) };
    case 'xstate.sendTo':
      return { kind: 'send', to: pathOf(p.to, naming), event: writer.writeEvent(p.event as object), ...given('delay', p.delay, writer), ...id };
    case 'xstate.raise':
      return p.delay === undefined ? null : { kind: 'raise', event: writer.writeEvent(p.event as object), delay: writer.write(p.delay), ...id };
    case 'xstate.spawnChild':
      return {
        kind: 'spawn',
        actor: pathOf(p.actorRef, naming),
        src: typeof p.src === 'string' ? writer.text(p.src) : '(inline)',
        ...given('input', p.input, writer),
      };
    case 'xstate.stopChild':
      return { kind: 'stop', actor: pathOf(params, naming) };
    case 'xstate.cancel':
      return { kind: 'cancel', id: writer.write(p.sendId) };
    case 'xstate.log':
      return null;
    default:
      return own(type, params, writer);
  }
}

function own(type: string, params: unknown, writer: ActionWriter): RecordedAction {
  const name = writer.text(type);
  return params === undefined ? { kind: 'run', name } : { kind: 'run', name, params: writer.write(params) };
}

function pathOf(target: unknown, naming: Naming): string | null {
  return typeof target === 'object' && target !== null && looksLikeActor(target) ? naming.pathOf(target) : null;
}

function given<Key extends string>(key: Key, value: unknown, writer: ActionWriter): { [K in Key]?: Portable } {
  return value === undefined ? {} : ({ [key]: writer.write(value) } as { [K in Key]: Portable });
}

/** An event that an action orders for later. */
export interface DelayedEvent {
  readonly event: object;
  readonly ms: number;
  readonly id?: string;
  /** To whom; undefined: to the actor itself. */
  readonly to?: AnyActorRef;
}

/** What an action orders for later, if it does. */
export function delayedBy({ type, params }: OrderedAction): DelayedEvent | undefined {
  if (type !== 'xstate.raise' && type !== 'xstate.sendTo') return undefined;
  const { event, delay, id, to } = params as BuiltInParams;
  if (typeof delay !== 'number' || typeof event !== 'object' || event === null) return undefined;
  return { event, ms: delay, ...(typeof id === 'string' ? { id } : {}), ...(type === 'xstate.sendTo' ? { to: to as AnyActorRef } : {}) };
}
