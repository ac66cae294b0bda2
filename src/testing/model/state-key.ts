/** What tells two states of a search apart. */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import type { Compiled } from './compile.js';
import { notedOf, textOf } from './noted.js';
import type { Run } from './run.js';

/** @throws EspalierError `testing/invalid-model` where the model's `key` gives what JSON does not keep: a Set would make one state of all */
export function stateKey<M extends AnyStateMachine>(plan: Compiled<M>, run: Run<M>): string {
  const { status, value } = run.snapshot as AnyMachineSnapshot;
  return JSON.stringify([run.start, status, value, run.running().map(({ id, src }) => [src, id]), known(plan, run)]);
}

function known<M extends AnyStateMachine>({ model, offered }: Compiled<M>, run: Run<M>): unknown {
  if (model.key !== undefined) return dataOf(model.key(run), model.machine.id);
  const { context } = run.snapshot as AnyMachineSnapshot;
  return [textOf(context), nextInMs(run), notedOf(run), run.isActive ? offered(run).map(({ name }) => name) : []];
}

function dataOf(key: unknown, machine: string): string | undefined {
  const refuse = (got: string): never => {
    throw new EspalierError('testing/invalid-model', { expected: `a \`key\` of the model of '${machine}' that gives data, as JSON keeps it`, got });
  };
  return JSON.stringify(key, (_, value: unknown) => {
    if (typeof value === 'function' || typeof value === 'bigint' || typeof value === 'symbol') return refuse(`a ${typeof value}`);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const kind: unknown = Object.getPrototypeOf(value);
    return kind === Object.prototype || kind === null ? value : refuse(`a ${value.constructor?.name ?? 'strange object'}`);
  });
}

/** Without a timer it is the same state at any time. */
function nextInMs<M extends AnyStateMachine>({ clock }: Run<M>): number | null {
  const at = clock.nextAt();
  return at === undefined ? null : at - clock.now();
}
