/** Machines that every picture is tried with, and the ELK that lays them out. */
import type { AnyStateMachine } from 'xstate';
import { catalogue } from '../../machines/index.js';
import { loadElk } from '../../src/charts/load-elk.js';
import { kilnMachine } from '../testing/model/kiln.js';
import { liftMachine } from '../testing/report/lift.js';

export type NamedMachine = readonly [name: string, machine: AnyStateMachine];

export const elk = await loadElk('testing/missing-peer', 'tests');

export const drawnMachines: readonly NamedMachine[] = [...Object.entries<AnyStateMachine>(catalogue), ['lift', liftMachine], ['kiln', kilnMachine]];
