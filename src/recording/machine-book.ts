/** The machines that a recorder has met: each definition is told once, and edges have their names. */
import type { AnyActorRef, AnyStateMachine, AnyTransitionDefinition } from 'xstate';

import { definitionOf } from '../charts/definition.js';
import { edgesOf } from '../charts/edges.js';
import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { taken } from '../charts/taken.js';
import { logicOf } from '../supervision/xstate-internals.js';
import { bytesOf } from '../wire/recording/bytes.js';
import type { RecordedMachine } from '../wire/recording/lines.js';
import { hideInJson, type Secrets } from '../wire/secrets.js';

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
  readonly #schemas: SchemasOfMachines | undefined;

  readonly #secrets: Secrets;

  /**
   * @param schemas  of the events of machines, beside those that they have themselves
   * @param secrets  texts that are not told: neither in a description nor as the name of a state
   */
  constructor(schemas?: SchemasOfMachines, secrets: Secrets = []) {
    this.#schemas = schemas;
    this.#secrets = secrets;
  }

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
    const definition = hideInJson(definitionOf(logic, this.#schemas) as unknown as RecordedMachine['definition'], this.#secrets);
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

/** Of each edge, as the list of one that most transitions take: it is in every line that tells of one, and nobody changes it. */
const edgeIds = new WeakMap<AnyTransitionDefinition, string[]>();
const noEdges: string[] = [];
const named = new WeakSet<object>();

/** The names of the transitions that were taken among those that were selected. A list of fewer than two is everybody's, and not to be changed. */
export function namesOfTaken(selected: readonly AnyTransitionDefinition[]): string[] {
  const only = selected[0];
  if (selected.length !== 1 || only === undefined) return taken(selected).flatMap((transition) => edgeId(transition) ?? noEdges);
  return edgeId(only) ?? noEdges;
}

/** Undefined for the transition into the initial state, which is XState's own, and no edge. */
function edgeId(transition: AnyTransitionDefinition): string[] | undefined {
  return edgeIds.get(transition) ?? nameOf(transition);
}

/** Of the machine that has it: that may be another than the actor's logic, with the same definition. */
function nameOf(transition: AnyTransitionDefinition): string[] | undefined {
  const machine = transition.source.machine as AnyStateMachine;
  if (named.has(machine)) return undefined;
  named.add(machine);
  for (const { definition, id } of edgesOf(machine)) edgeIds.set(definition, [id]);
  return edgeIds.get(transition);
}
