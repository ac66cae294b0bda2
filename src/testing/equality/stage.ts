/** What two machines are played through, side by side: how they start, what may happen to them, what can go wrong. */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

import { compile as planOf } from '../model/compile.js';
import type { AnyModel } from '../model/model.js';
import type { AnyRun } from '../model/fake.js';
import { stateKey } from '../model/state-key.js';
import { type Watch, watched } from './watch.js';

/** One thing that can happen. */
export interface Step {
  readonly name: string;
  readonly weight: number;
  run(run: AnyRun): void;
}

/** A machine with all that surrounds it in the hand of the comparison. */
export interface Stage {
  /** Its actors are fakes, its functions watched. */
  readonly machine: AnyStateMachine;
  /** By name: what it may be started with. */
  readonly starts: Readonly<Record<string, unknown>>;
  /** What can happen now. */
  offered(run: AnyRun): readonly Step[];
  /** What can go wrong now: a run may end with it. */
  faults(run: AnyRun): readonly Step[];
  /** Events of which a snapshot is asked whether it takes them. */
  readonly probes: readonly EventObject[];
  /** What tells two states apart. */
  keyOf(run: AnyRun): string;
  /** Called after every step. */
  observe?(run: AnyRun): void;
}

/** Microsteps of one event beyond which it is an endless loop, which ends with an error. */
const longestMacrostep = 1_000;

/** A machine as its model has it, with faults of which the model need not know. */
export function stageOfModel(model: AnyModel, watch: Watch): Stage {
  const plan = planOf(model, { machine: watched(model.machine, watch) });
  const types = eventTypesOf(plan.machine);
  return {
    machine: bounded(plan.machine),
    starts: plan.inputs,
    offered: (run) => plan.offered(run),
    faults: (run) => faultsOf(run, types),
    probes: types.map((type) => ({ type })),
    keyOf: (run) => stateKey(plan, run),
    observe: (run) => model.observe?.(run),
  };
}

/** The machine, which ends with an error where it would go on for ever. */
export function bounded<M extends AnyStateMachine>(machine: M): M {
  machine.options.maxIterations ??= longestMacrostep;
  return machine;
}

/** Types of event that the machine may be sent: one for each of its descriptors. */
export function eventTypesOf(machine: AnyStateMachine): readonly string[] {
  const own = machine.events.filter((descriptor) => !/^(?:xstate\.|$)/.test(descriptor));
  return [...new Set(own.map((descriptor) => (descriptor === '*' ? 'any.thing' : descriptor.replace(/\.?\*$/, '.any'))))].sort((a, b) =>
    a < b ? -1 : 1,
  );
}

/** Events of which nobody has heard, that of the start among them, and one without a type; ones without what they should carry; actors that end or fail though nobody awaits it; a restart of the process. */
export function faultsOf(run: AnyRun, types: readonly string[]): readonly Step[] {
  const step = (name: string, act: (run: AnyRun) => void): Step => ({ name, weight: 1, run: act });
  const send = (type: string): Step => step(`${type} without its data`, ({ actor }) => actor.send({ type }));
  const running = run.running();
  return [
    step('an event of which nobody has heard', ({ actor }) => actor.send({ type: 'unheard.of' })),
    step('the event of its start, once more', ({ actor }) => actor.send({ type: 'xstate.init' })),
    step('an event without a type', ({ actor }) => actor.send({})),
    ...types.map(send),
    ...(running.length === 0
      ? []
      : [
          step('the oldest actor fails', (of) => of.running()[0] !== undefined && of.reject(of.running()[0] as never, new Error('it broke'))),
          step('the newest actor fails', (of) => of.running().length > 0 && of.reject(of.running().at(-1) as never, 'broken')),
          step('the newest actor ends', (of) => of.running().length > 0 && of.resolve(of.running().at(-1) as never)),
        ]),
    ...((run.snapshot as AnyMachineSnapshot).status === 'active' ? [step('the process starts again', (of) => of.restore())] : []),
  ];
}
