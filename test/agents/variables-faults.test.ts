/** What may go wrong around shared variables, and must not go wrong in them: values that are no JSON, answers that cannot be used, and their own end. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { AgentAnswer, CoordinateOptions } from '../../src/agents/coordinate.js';
import { variables } from '../../src/agents/variables.js';
import { createVariables, type Variables, variablesHandle } from '../../src/agents/variables-handle.js';
import type { VariablesOptions } from '../../src/agents/variables-options.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { scriptedAgents, silent } from '../coordination/scripted-agents.js';

function made(options: VariablesOptions = {}, clock = new VirtualClock()): Variables {
  const shared = createVariables(options, { clock });
  ends.push(() => shared.close());
  shared.define('rate', { value: 1 });
  return shared;
}

/** What agents say, each at once. */
function saying(values: Record<string, unknown>, clock = new VirtualClock()): Variables {
  return made({ requests: scriptedAgents(clock, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, () => value]))) }, clock);
}

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

describe('a value that JSON would make something else of', () => {
  const strange: [string, unknown][] = [
    ['NaN', Number.NaN],
    ['what is endless', { deep: [1, -Infinity] }],
    ['a promise', Promise.resolve(2)],
    ['a Map', { map: new Map([[1, 2]]) }],
    ['a Set', [new Set([1])]],
    ['an error', new Error('no')],
    ['a function within', { fn: () => 1 }],
    ['a symbol within', [Symbol('s')]],
    ['a hole', [1, undefined]],
    ['one deeper than can be copied', nested(100_000)],
  ];

  it.each(strange)('is refused, and the former one stays: %s', (_, value) => {
    const shared = made();
    expect(shared.update('rate', () => value)).toEqual({ ok: false, reason: 'notJson', version: 1 });
    expect(() => shared.set('rate', value)).toThrow(expect.objectContaining({ code: 'variables/invalid-options' }) as Error);
    expect(shared.get('rate')).toEqual({ ok: true, value: 1, version: 1 });
  });

  it('never throws, however deep it is', () => {
    const shared = made();
    // Where the stack ends depends on the runtime; somewhere below it writing still goes, and reading does not.
    for (let depth = 500; depth <= 12_000; depth += 500) {
      const outcome = shared.update('rate', () => nested(depth));
      expect(outcome.ok || outcome.reason).toBeOneOf([true, 'notJson']);
    }
  });

  it('is not what an object leaves out, nor what says itself what it is', () => {
    const shared = made();
    expect(shared.set('rate', { at: new Date(0), none: undefined })).toMatchObject({ ok: true, value: { at: '1970-01-01T00:00:00.000Z' } });
    class Point {
      readonly x = 1;
    }
    expect(shared.set('rate', new Point())).toMatchObject({ ok: true, value: { x: 1 } });
    expect(shared.set('rate', JSON.parse('{"__proto__":{"admin":true}}'))).toMatchObject({ ok: true });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    ['a mean beyond all numbers', 'mean', { a: 1e308, b: 1e308 }],
    ['an async rule', async () => Promise.resolve(2), { a: 1 }],
    ['a rule without a number', () => Number.NaN, { a: 1 }],
    ['a rule that is too deep', () => nested(100_000), { a: 1 }],
  ] as [string, CoordinateOptions['combine'] & {}, Record<string, number>][])('is set by no coordination: %s', async (_, combine, values) => {
    const shared = saying(values);
    expect(await shared.coordinate('rate', { agents: Object.keys(values), combine })).toMatchObject({ ok: false, reason: 'notJson' });
    expect(shared.get('rate')).toMatchObject({ value: 1, version: 1 });
  });
});

describe('an answer', () => {
  it('is the same in whatever order its keys are', async () => {
    const shared = saying({ a: { x: 1, y: { p: [1], q: 2 } }, b: { y: { q: 2, p: [1] }, x: 1 }, c: { x: 2, y: 1 } });
    expect(await shared.coordinate('rate', { agents: ['a', 'b', 'c'] })).toMatchObject({ ok: true, value: { x: 1, y: { p: [1], q: 2 } } });
  });

  it('that is no JSON is of no use, and its agent is named', async () => {
    const shared = saying({ a: Number.NaN, b: new Map(), c: 2 });
    expect(await shared.coordinate('rate', { agents: ['a', 'b', 'c'] })).toMatchObject({
      ...{ ok: true, value: 2, answered: ['c'] },
      failed: ['a', 'b'].map((agent) => ({ agent, reason: 'unusable' })),
    });
  });

  it('cannot be changed by its agent any more when it is combined', async () => {
    const own = { list: [1] };
    const shared = saying({ a: own });
    const combine = ([first]: readonly AgentAnswer[]): unknown => {
      own.list.push(2);
      return first?.value;
    };
    expect(await shared.coordinate('rate', { agents: ['a'], combine })).toMatchObject({ ok: true, value: { list: [1] } });
  });

  it('that is no outcome at all is a fault of whoever asks, and ends nothing', async () => {
    const answers: Record<string, unknown> = { a: undefined, b: null, c: { value: 1 }, d: { ok: true, value: 3 } };
    const shared = made({ requests: { request: async (agent) => Promise.resolve(answers[agent] as never) } });
    expect(await shared.coordinate('rate', { agents: ['a', 'b', 'c', 'd'] })).toMatchObject({
      ...{ ok: true, value: 3 },
      failed: ['a', 'b', 'c'].map((agent) => ({ agent, reason: 'error' })),
    });
    expect(shared.status().coordinations).toBe(0);
  });
});

describe('a coordination', () => {
  it('asks as many at once as it may without a warning of the runtime', async () => {
    const warnings: string[] = [];
    const warn = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', warn);
    ends.push(() => process.off('warning', warn));
    const agents = [...Array(40).keys()].map((index) => `a${index}`);
    const clock = new VirtualClock();
    const requests = scriptedAgents(clock, Object.fromEntries(agents.map((agent) => [agent, () => silent])));
    const shared = made({ requests }, clock);
    const control = new AbortController();
    const asked = shared.coordinate('rate', { agents, concurrency: 40, signal: control.signal });
    expect(requests.asked).toHaveLength(40);
    control.abort();
    expect(await asked).toMatchObject({ ok: false, reason: 'cancelled', failed: agents.map((agent) => ({ agent, reason: 'cancelled' })) });
    expect(requests.taken).toHaveLength(40);
    // The runtime tells of one in a tick of its own.
    await new Promise((resolve) => process.nextTick(resolve));
    expect(warnings).toEqual([]);
  });

  it('gives nobody a deadline of less than a millisecond', async () => {
    const clock = new VirtualClock();
    const deadlines: (number | undefined)[] = [];
    const shared = made(
      {
        requests: {
          request: async (agent, _, options) => {
            deadlines.push(options?.withinMs);
            if (agent === 'a') await clock.advanceByAsync(9.5);
            return { ok: true, value: 1 };
          },
        },
      },
      clock,
    );
    expect(await shared.coordinate('rate', { agents: ['a', 'b'], withinMs: 10, concurrency: 1 })).toMatchObject({
      ...{ ok: true, answered: ['a'] },
      failed: [{ agent: 'b', reason: 'late' }],
    });
    expect(deadlines).toEqual([10]);
  });

  it('refuses a list of what is none, before it asks anybody', async () => {
    const shared = saying({ a: 1 });
    for (const each of [[null], [{ variable: 'rate', agents: ['a'] }, 'rate']])
      await expect(shared.coordinateAll(each as never)).rejects.toEqual(expect.objectContaining({ code: 'variables/invalid-options' }) as Error);
    expect(shared.get('rate')).toMatchObject({ version: 1 });
  });
});

describe('shared variables that have ended', () => {
  it('have no names and no history', async () => {
    const shared = made();
    await shared.close();
    expect([shared.names(), shared.history('rate'), shared.get('rate')]).toEqual([[], [], { ok: false, reason: 'closed' }]);
  });

  it('come back empty, with versions that nobody has read', async () => {
    const app = orchestrator({ actors: { shared: variables() }, children: [{ id: 'shared', src: 'shared' }] }).start({ clock: new VirtualClock() });
    ends.push(() => app.stop());
    await app.started();
    const shared = variablesHandle(() => app.child('shared'));
    shared.define('rate', { value: 1, conflict: 'refuse' });
    shared.update('rate', () => 2);
    exit(shared.ref?.getSnapshot().children.shelf as AnyActorRef, 'kill');
    expect(shared.get('rate')).toEqual({ ok: false, reason: 'unknown' });
    expect(shared.define('rate', { value: 10, conflict: 'refuse' })).toMatchObject({ version: 3 });
    shared.update('rate', () => 20);
    for (const version of [1, 2]) expect(shared.set('rate', 0, { version })).toEqual({ ok: false, reason: 'conflict', version: 4 });
  });
});
