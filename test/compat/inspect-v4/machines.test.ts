/** Machines of XState 5 as XState 4 itself reads them. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createMachine, State, type AnyState, type AnyStateMachine } from 'xstate';

import { catalogue } from '../../../machines/index.js';
import { definitionOf } from '../../../src/charts/definition.js';
import { v4EventName, v4Machine, v4Stand } from '../../../src/inspector/adapters/v4-machine.js';
import type { RecordedChart } from '../../../src/wire/recording/chart.js';
import { charts, hostileNames, initialValue, statesOf } from '../../inspector/adapters/charts.js';

function readByV4(definition: unknown): AnyStateMachine {
  return createMachine(JSON.parse(JSON.stringify(definition)) as never);
}

/** As a viewer makes a state of the JSON of one. */
function resolved(machine: AnyStateMachine, value: unknown): AnyState {
  return machine.resolveState(State.create({ value, context: {}, _event: { name: 'a', data: { type: 'a' } } } as never));
}

/** Edges as sentences. */
function told(chart: RecordedChart): string[] {
  return statesOf(chart).flatMap((state) =>
    state.edges.map(({ descriptor, targets, guard, reenter }) =>
      [state.id, v4EventName(descriptor, state.id), guard ?? '-', targets?.join() ?? '-', targets === null || !reenter].join(' '),
    ),
  );
}

function read(machine: AnyStateMachine): string[] {
  return machine.stateIds.flatMap((id) =>
    machine
      .getStateNodeById(id)
      .transitions.map(({ eventType, target, cond, internal }) =>
        [id, eventType, cond?.name ?? '-', target?.map((node) => node.id).join() ?? '-', internal ?? false].join(' '),
      ),
  );
}

describe('a machine as XState 4 reads it', () => {
  it.each(Object.entries(catalogue))('has every state and every edge: %s', (_, machine) => {
    const chart = definitionOf(machine as never) as RecordedChart;
    const v4 = readByV4(v4Machine(chart));
    const ids = statesOf(chart).map(({ id }) => id);
    expect([...v4.stateIds].toSorted((a, b) => a.localeCompare(b))).toEqual(ids.toSorted((a, b) => a.localeCompare(b)));
    expect(read(v4).toSorted((a, b) => a.localeCompare(b))).toEqual(told(chart).toSorted((a, b) => a.localeCompare(b)));
    expect(resolved(v4, initialValue(chart)).value).toEqual(initialValue(chart));
  });

  it('whatever its states, events, guards and actions are called', () => {
    // XState 4 gives `__proto__` to an object as its prototype, takes `#` for the beginning of an id, and no text for no state.
    const names = hostileNames.filter((name) => !['__proto__', '#', ''].includes(name));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    fc.assert(
      fc.property(charts(names), (chart) => {
        const v4 = readByV4(v4Machine(chart));
        expect(resolved(v4, initialValue(chart)).value).toEqual(initialValue(chart));
        expect(read(v4)).toHaveLength(told(chart).length);
      }),
      { seed: 6, numRuns: 300 },
    );
    expect(warn).not.toHaveBeenCalledWith(expect.stringContaining('predictableActionArguments'));
  });

  it('shows what is no machine as one that runs and ends', () => {
    const v4 = readByV4(v4Stand('load.x', 'promise, no machine'));
    expect(v4.initialState.value).toBe('active');
    expect(v4.stateIds).toHaveLength(5);
  });
});
