/** The machines that a recorder has met: each definition is told once, and edges have their names. */
import type { AnyActorRef, AnyStateMachine, AnyTransitionDefinition } from 'xstate';

import { definitionOf } from '../charts/definition.js';
import { edgesOf } from '../charts/edges.js';
import { taken } from '../charts/taken.js';
import { logicOf } from '../supervision/xstate-internals.js';
import { bytesOf } from '../wire/recording/bytes.js';
import type { RecordedMachine } from '../wire/recording/lines.js';

/** A machine as it is told. */
export type ToldMachine = Pick<RecordedMachine, 'machine' | 'definition'> & {
  /** Of its JSON. */
  readonly bytes: number;
};

/** One machine logic; the same definition may be provided with other actors. */
export interface BookedMachine {
  readonly told: ToldMachine;
  readonly logic: AnyStateMachine;
}

/** An app that makes machines as it goes must not fill the memory with their definitions. */
const mostMachines = 1_000;

export class MachineBook {
  readonly #booked = new WeakMap<object, BookedMachine | null>();
  readonly #byConfig = new WeakMap<object, ToldMachine>();
  /** By the JSON of its definition. */
  readonly #byText = new Map<string, ToldMachine>();
  readonly #keys = new Set<string>();
  readonly #told = new Set<ToldMachine>();

  /** All that were told, in order. */
  get told(): Iterable<ToldMachine> {
    return this.#told;
  }

  /** The machine that an actor runs; null where it runs none, or where there are too many to be told apart. */
  of(actor: AnyActorRef): BookedMachine | null {
    const logic = logicOf(actor) as unknown as AnyStateMachine;
    const known = this.#booked.get(logic);
    if (known !== undefined) return known;
    const isMachine = typeof (logic as { getStateNodeById?: unknown }).getStateNodeById === 'function';
    const told = isMachine ? this.#definition(logic) : null;
    const booked = told === null ? null : { told, logic };
    this.#booked.set(logic, booked);
    return booked;
  }

  /** Is it to be told now, because it was not yet? */
  isNews({ told }: BookedMachine): boolean {
    if (this.#told.has(told)) return false;
    this.#told.add(told);
    return true;
  }

  #definition(logic: AnyStateMachine): ToldMachine | null {
    const config = logic.config as object;
    const known = this.#byConfig.get(config);
    if (known !== undefined) return known;
    const definition = definitionOf(logic) as unknown as RecordedMachine['definition'];
    const text = JSON.stringify(definition);
    const told = this.#byText.get(text) ?? this.#enter(definition, text);
    if (told !== null) this.#byConfig.set(config, told);
    return told;
  }

  #enter(definition: RecordedMachine['definition'], text: string): ToldMachine | null {
    if (this.#byText.size >= mostMachines) return null;
    let key = definition.id;
    for (let n = 2; this.#keys.has(key); n++) key = `${definition.id}~${n}`;
    const told = { machine: key, definition, bytes: bytesOf(text) };
    this.#keys.add(key);
    this.#byText.set(text, told);
    return told;
  }
}

const edgeIds = new WeakMap<AnyTransitionDefinition, string>();
const named = new WeakSet<object>();

/** Adds the names of the transitions that were taken among those that were selected. */
export function nameTaken(selected: readonly AnyTransitionDefinition[], into: string[]): void {
  if (selected.length === 0) return;
  for (const transition of selected.length === 1 ? selected : taken(selected)) {
    const id = edgeIds.get(transition) ?? nameOf(transition);
    // The transition into the initial state is XState's own, and no edge.
    if (id !== undefined) into.push(id);
  }
}

/** Of the machine that has it: that may be another than the actor's logic, with the same definition. */
function nameOf(transition: AnyTransitionDefinition): string | undefined {
  const machine = transition.source.machine as AnyStateMachine;
  if (named.has(machine)) return undefined;
  named.add(machine);
  for (const { definition, id } of edgesOf(machine)) edgeIds.set(definition, id);
  return edgeIds.get(transition);
}
