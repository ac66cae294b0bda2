/** What an actor runs: XState's own kinds of logic are told by their code, which all of a kind share. */
import { fromCallback, fromEventObservable, fromObservable, fromPromise, fromTransition, type AnyActorLogic, type AnyActorRef } from 'xstate';

import { kindOf } from '../supervision/kind.js';
import { logicOf } from '../supervision/xstate-internals.js';
import type { LogicKind } from '../wire/recording/lines.js';

const nothing = { subscribe: () => ({ unsubscribe: () => undefined }) };

const samples: readonly (readonly [AnyActorLogic, LogicKind])[] = [
  [fromPromise(() => Promise.resolve()), 'promise'],
  [fromCallback(() => undefined), 'callback'],
  [fromObservable(() => nothing), 'observable'],
  [fromEventObservable(() => nothing), 'observable'],
  [fromTransition((state: object) => state, {}), 'transition'],
];
const kinds = new Map(samples.map(([logic, kind]) => [codeOf(logic), kind]));
const known = new WeakMap<object, LogicKind>();

function codeOf({ transition }: AnyActorLogic): string {
  return Function.prototype.toString.call(transition);
}

/** @throws never for an actor of XState */
export function logicKindOf(actor: AnyActorRef): LogicKind {
  const logic = logicOf(actor);
  let kind = known.get(logic);
  if (kind === undefined) {
    kind = find(actor, logic);
    known.set(logic, kind);
  }
  return kind;
}

function find(actor: AnyActorRef, logic: AnyActorLogic): LogicKind {
  if (kindOf(actor) !== undefined) return 'supervisor';
  const { events, getStateNodeById } = logic as { events?: readonly string[]; getStateNodeById?: unknown };
  if (typeof getStateNodeById === 'function') return 'machine';
  if (events?.includes('pool.ended') === true) return 'pool';
  return kinds.get(codeOf(logic)) ?? 'other';
}
