/** Which of the supervisor machines an actor runs, told by the machine's definition, which provide() keeps. */
import type { AnyActorRef } from 'xstate';

import { dynamicSupervisorMachine } from '../../machines/supervision/dynamic-supervisor.js';
import { supervisorMachine } from '../../machines/supervision/supervisor.js';
import { taskSupervisorMachine } from '../../machines/supervision/task-supervisor.js';
import { definitionOf } from './xstate-internals.js';

export type SupervisorKind = 'supervisor' | 'dynamicSupervisor' | 'taskSupervisor';

const kinds = new Map<unknown, SupervisorKind>([
  [supervisorMachine.config, 'supervisor'],
  [dynamicSupervisorMachine.config, 'dynamicSupervisor'],
  [taskSupervisorMachine.config, 'taskSupervisor'],
]);

/** The kind of supervisor that an actor is; undefined for any other value. */
export function kindOf(actor: AnyActorRef | null | undefined): SupervisorKind | undefined {
  return kinds.get(definitionOf(actor));
}

/** What an error message calls a value that should have been an actor. */
export function idOf(actor: AnyActorRef | null | undefined): unknown {
  return actor?.id ?? actor;
}
