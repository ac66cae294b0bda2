/** Variables whose value comes from agents: each is really asked, and whoever does not answer is named. */
import { describe, expect, it } from 'vitest';
import type { CoordinateOptions } from '../../src/agents/coordinate.js';
import { createVariables, type Variables } from '../../src/agents/variables-handle.js';
import type { VariablesOptions } from '../../src/agents/variables-options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { refusal, type Script, scriptedAgents, silent, type ScriptedAgents } from '../coordination/scripted-agents.js';

function room(scripts: Record<string, Script>, options: VariablesOptions = {}): { clock: VirtualClock; agents: ScriptedAgents; shared: Variables } {
  const clock = new VirtualClock();
  const agents = scriptedAgents(clock, scripts);
  const shared = createVariables({ requests: agents, ...options }, { clock });
  ends.push(() => shared.close());
  shared.define('rate', { value: 1 });
  return { clock, agents, shared };
}

const says = (values: Record<string, unknown>): Record<string, Script> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, () => value]));

describe('a coordination', () => {
  it('asks each agent, and sets what their answers make', async () => {
    const { shared, agents } = room(says({ ann: 2, bob: 4, eve: 9 }));
    const body = { type: 'variable.value', name: 'rate', value: 1, version: 1 };
    expect(await shared.coordinate('rate', { agents: ['ann', 'bob', 'eve'], combine: 'mean' })).toEqual({
      ...{ ok: true, value: 5, version: 2, answered: ['ann', 'bob', 'eve'], failed: [] },
    });
    expect(agents.asked).toEqual(['ann', 'bob', 'eve'].map((agent) => ({ agent, body, key: undefined })));
    expect(shared.history('rate').at(-1)).toMatchObject({ value: 5, by: 'coordinate' });
  });

  it.each([
    ['min', [3, 1, 2], 1],
    ['max', [3, 1, 2], 3],
    ['sum', [3, 1, 2], 6],
    ['median', [9, 1, 2], 2],
    ['median', [9, 1, 2, 4], 3],
    ['majority', [{ a: 1 }, 'x', { a: 1 }], { a: 1 }],
    [(answers, now) => [now, ...answers.map(({ agent }) => agent)], [1, 2], [1, 'a0', 'a1']],
  ] as [CoordinateOptions['combine'] & {}, unknown[], unknown][])('combines by %s', async (combine, values, expected) => {
    const named = Object.fromEntries(values.map((value, index) => [`a${index}`, value]));
    const { shared } = room(says(named));
    expect(await shared.coordinate('rate', { agents: Object.keys(named), combine })).toMatchObject({ ok: true, value: expected });
  });

  it('goes on without those that fail, and names them', async () => {
    const scripts = { ...says({ ann: 4, eve: 'many', dead: refusal('crashed') }), slow: () => silent, rude: () => Promise.reject(new Error('no')) };
    const { shared, clock } = room(scripts);
    const asked = shared.coordinate('rate', { agents: ['ann', 'eve', 'dead', 'slow', 'rude', 'nobody'], combine: 'sum', withinMs: 100 });
    await clock.advanceByAsync(100);
    expect(await asked).toEqual({
      ...{ ok: true, value: 4, version: 2, answered: ['ann'] },
      failed: [
        { agent: 'eve', reason: 'unusable' },
        { agent: 'dead', reason: 'crashed' },
        { agent: 'slow', reason: 'late' },
        { agent: 'rude', reason: 'error' },
        { agent: 'nobody', reason: 'noAgent' },
      ],
    });
  });

  it('sets nothing where too few answer, no value has more than half, or the rule fails', async () => {
    const { shared } = room(says({ ann: 'x', bob: 'y' }));
    const agents = ['ann', 'bob'];
    expect(await shared.coordinate('rate', { agents, combine: 'sum' })).toMatchObject({ ok: false, reason: 'tooFew', answered: [] });
    expect(await shared.coordinate('rate', { agents: [] })).toMatchObject({ reason: 'tooFew' });
    expect(await shared.coordinate('rate', { agents, atLeast: 3 })).toMatchObject({ reason: 'tooFew', answered: agents });
    expect(await shared.coordinate('rate', { agents })).toMatchObject({ reason: 'noMajority' });
    const fault = new Error('no');
    const broken = (): never => {
      throw fault;
    };
    expect(await shared.coordinate('rate', { agents, combine: broken })).toMatchObject({ reason: 'threw', error: fault });
    expect(await shared.coordinate('rate', { agents, combine: () => undefined })).toMatchObject({ reason: 'notJson' });
    expect(await shared.coordinate('none', { agents })).toMatchObject({ reason: 'unknown' });
    expect(shared.get('rate')).toMatchObject({ value: 1, version: 1 });
  });

  it('does not overwrite what was written meanwhile, where the variable refuses', async () => {
    const { shared } = room({ ann: () => (shared.update('strict', () => 7), 3) });
    shared.define('strict', { value: 1, conflict: 'refuse' });
    expect(await shared.coordinate('strict', { agents: ['ann'], combine: 'sum' })).toMatchObject({
      ok: false,
      reason: 'conflict',
      answered: ['ann'],
    });
    expect(shared.get('strict')).toMatchObject({ value: 7 });
  });

  it('stands in nobody’s way, and asks so many at once', async () => {
    const waiting: ((value: number) => void)[] = [];
    const late: Script = () => new Promise<number>((resolve) => waiting.push(resolve));
    let third = (): void => {};
    const isThirdAsked = new Promise<void>((resolve) => (third = resolve));
    const last: Script = () => {
      third();
      return 1;
    };
    const { shared, agents } = room({ a: late, b: late, c: last });
    const asked = shared.coordinate('rate', { agents: ['a', 'b', 'c'], combine: 'sum', concurrency: 2 });
    expect(shared.set('rate', 100)).toMatchObject({ ok: true });
    expect(shared.status().coordinations).toBe(1);
    expect(agents.asked).toHaveLength(2);
    waiting[1]?.(1);
    await isThirdAsked;
    waiting[0]?.(1);
    expect(await asked).toMatchObject({ ok: true, value: 3 });
    expect(shared.status().coordinations).toBe(0);
  });

  it('is given up by its signal and by the end of the variables; the agents are told', async () => {
    const { shared, agents } = room({ ann: () => silent });
    const control = new AbortController();
    const first = shared.coordinate('rate', { agents: ['ann'], signal: control.signal });
    control.abort();
    expect(await first).toMatchObject({ ok: false, reason: 'cancelled', failed: [{ agent: 'ann', reason: 'cancelled' }] });
    expect(await shared.coordinate('rate', { agents: ['ann'], signal: control.signal })).toMatchObject({ reason: 'cancelled' });
    const second = shared.coordinate('rate', { agents: ['ann'] });
    await shared.close();
    expect(await second).toMatchObject({ ok: false, reason: 'closed' });
    expect(agents.taken).toHaveLength(2);
    expect(await shared.coordinate('rate', { agents: ['ann'] })).toMatchObject({ reason: 'closed' });
  });

  it('ends in time, whatever becomes of whoever asks, and is one of so many', async () => {
    const never = { request: () => new Promise<never>(() => {}) };
    const { shared, clock } = room({}, { requests: never, maxCoordinations: 1 });
    const first = shared.coordinate('rate', { agents: ['ann', 'bob'], withinMs: 50, concurrency: 1 });
    expect(await shared.coordinate('rate', { agents: ['ann'] })).toMatchObject({ reason: 'full' });
    await clock.advanceByAsync(50);
    const late = ['ann', 'bob'].map((agent) => ({ agent, reason: 'late' }));
    expect(await first).toMatchObject({ ok: false, reason: 'tooFew', failed: late });
  });

  it('is made of many, some at once, and tells of each', async () => {
    const { shared } = room(says({ ann: 2 }));
    shared.define('other', { value: 0 });
    const facts: unknown[] = [];
    shared.on('variables.coordinated', (fact) => facts.push(fact));
    const each = ['rate', 'none', 'other'].map((variable) => ({ variable, agents: ['ann'] }));
    expect(await shared.coordinateAll(each, { concurrency: 1 })).toMatchObject([
      { ok: true, value: 2 },
      { reason: 'unknown' },
      { ok: true, value: 2 },
    ]);
    expect(facts).toEqual(['rate', 'other'].map((name) => ({ type: 'variables.coordinated', name, outcome: 'set', answered: 1, failed: 0 })));
  });
});
