/**
 * The fault matrix of the whole tower: at each step of each machine everybody who lives is struck, and the sockets, and the signal. Whatever is struck,
 * each worker tells its target one end, every permit is back, and nothing goes on. Whether a blow falls in the midst of a step, behind it or a turn later
 * is by chance: `FAULT_SEED=7 npx vitest run test/faults/matrix.test.ts` draws anew.
 */
import { describe, expect, it } from 'vitest';
import { eventsOfChart, statesOfChart, struckMachines, type StruckMachine } from './chart-states.js';
import { calmOf, hearFaults, type Row, seed, struckAt } from './matrix.js';
import { stories } from './stories.js';
import { strikes } from './strikes.js';

const calm = await calmOf(stories);
const rowsOf = (machine: StruckMachine): readonly Row[] => calm.rows.filter(({ step }) => step.machine === machine);

hearFaults();

describe.each(struckMachines)('at each step of %s', (machine) => {
  it.each(Object.keys(strikes))('when %s: one end, permits back, nothing running', { timeout: 120_000 }, async (kind) => {
    expect(await struckAt(rowsOf(machine), kind), `seed ${seed}`).toEqual([]);
  });
});

describe('the stories', () => {
  it('are told to their end, and leave nothing', () => {
    expect(calm.problems).toEqual([]);
  });

  it.each(struckMachines)('come through every state of %s: one that is new wants a story', (machine) => {
    const taken = new Set(rowsOf(machine).flatMap(({ step }) => step.states));
    expect(statesOfChart(machine).filter((state) => !taken.has(state))).toEqual([]);
  });

  it.each(struckMachines)('have %s hear every event that it names', (machine) => {
    const heard = new Set(rowsOf(machine).map(({ step }) => step.event));
    expect(eventsOfChart(machine).filter((event) => !heard.has(event))).toEqual([]);
  });
});
