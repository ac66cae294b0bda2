/** Shared variables: each policy of conflict, whoever listens, and every bound. */
import { describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { variables, type VariablesRef } from '../../src/agents/variables.js';
import { createVariables, type Variables, variablesHandle } from '../../src/agents/variables-handle.js';
import type { VariableNews } from '../../src/agents/shelf.js';
import type { VariableOptions, VariablesOptions } from '../../src/agents/variables-options.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

function made(options: VariablesOptions = {}): Variables {
  const shared = createVariables(options, { clock: new VirtualClock() });
  ends.push(() => shared.close());
  return shared;
}

const misuse = expect.objectContaining({ code: 'variables/invalid-options' }) as Error;

describe('a shared variable', () => {
  it('is defined once, read, written, remembered and deleted', () => {
    const shared = made({ history: 3 });
    expect(shared.get('rate')).toEqual({ ok: false, reason: 'unknown' });
    expect(shared.define('rate', { value: 1 })).toEqual({ ok: true, value: 1, version: 1 });
    expect(shared.define('rate', { value: 2 })).toEqual({ ok: false, reason: 'taken' });
    for (const value of [2, 3, 4]) shared.set('rate', value, { by: 'ann' });
    expect(shared.get('rate')).toEqual({ ok: true, value: 4, version: 4 });
    expect(shared.history('rate').map(({ value, version }) => [value, version])).toEqual([
      ...[
        [2, 2],
        [3, 3],
        [4, 4],
      ],
    ]);
    expect(shared.history('rate').at(-1)).toMatchObject({ by: 'ann' });
    expect(shared.delete('rate')).toMatchObject({ ok: true, version: 4 });
    expect([shared.delete('rate'), shared.set('rate', 1), shared.update('rate', () => 1)]).toEqual(
      ['unknown', 'unknown', 'unknown'].map((reason) => ({ ok: false, reason })),
    );
    expect(shared.history('rate')).toEqual([]);
  });

  it('is nobody else’s to change, and begins anew with a version that nobody has read', () => {
    const shared = made();
    const value = { list: [1] };
    shared.define('rate', { value, conflict: 'refuse' });
    value.list.push(2);
    const read = shared.get('rate');
    expect(read).toMatchObject({ value: { list: [1] } });
    expect(() => (read.ok ? (read.value as typeof value).list.push(3) : 0)).toThrow(TypeError);
    shared.delete('rate', { version: 1 });
    shared.define('rate', { value: 0, conflict: 'refuse' });
    expect(shared.set('rate', 9, { version: 1 })).toEqual({ ok: false, reason: 'conflict', version: 2 });
  });

  it('takes the last write where that was chosen', () => {
    const shared = made();
    shared.define('rate', { value: 1 });
    shared.set('rate', 2);
    expect(shared.set('rate', 3, { version: 1 })).toEqual({ ok: true, value: 3, version: 3 });
  });

  it('refuses whoever has not seen the last version, where that was chosen', () => {
    const shared = made();
    shared.define('rate', { value: 1, conflict: 'refuse' });
    expect(shared.set('rate', 2)).toEqual({ ok: false, reason: 'conflict', version: 1 });
    expect(shared.set('rate', 2, { version: 1 })).toMatchObject({ ok: true, version: 2 });
    expect(shared.set('rate', 3, { version: 1 })).toEqual({ ok: false, reason: 'conflict', version: 2 });
    expect(shared.delete('rate')).toMatchObject({ reason: 'conflict' });
    expect(shared.get('rate')).toMatchObject({ value: 2 });
  });

  it('merges what was written on another version, with what the writer had read', () => {
    const shared = made();
    const merge = vi.fn<NonNullable<VariableOptions['merge']>>((now, given, { base }) => Number(now) + Number(given) - Number(base ?? 0));
    shared.define('sum', { value: 10, conflict: 'merge', merge });
    expect(shared.set('sum', 15, { version: 1 })).toMatchObject({ value: 15 });
    expect(merge).not.toHaveBeenCalled();
    expect(shared.set('sum', 13, { version: 1 })).toMatchObject({ value: 18, version: 3 });
    expect(shared.set('sum', 1)).toMatchObject({ value: 19 });
    expect(merge.mock.calls.map(([, , { base }]) => base)).toEqual([10, undefined]);
  });

  it('is updated from its last value; what throws, is no JSON or writes itself changes nothing more', () => {
    const shared = made();
    shared.define('rate', { value: 1 });
    const count = (value: unknown): number => Number(value) + 1;
    expect(shared.update('rate', count)).toMatchObject({ value: 2, version: 2 });
    expect(shared.update('rate', count, { version: 1 })).toEqual({ ok: false, reason: 'conflict', version: 2 });
    const fault = new Error('no');
    const thrown = shared.update('rate', () => {
      throw fault;
    });
    expect(thrown).toEqual({ ok: false, reason: 'threw', version: 2, error: fault });
    expect(shared.update('rate', () => undefined)).toMatchObject({ reason: 'notJson' });
    expect(shared.update('rate', () => (shared.set('rate', 7), 8))).toEqual({ ok: false, reason: 'conflict', version: 3 });
    expect(shared.get('rate')).toMatchObject({ value: 7 });
  });

  it('is one of so many, with so many who listen', () => {
    const shared = made({ maxVariables: 1, maxSubscribers: 1 });
    shared.define('a', { value: 1 });
    expect(shared.define('b', { value: 1 })).toEqual({ ok: false, reason: 'full' });
    const first = shared.subscribe('a', () => {});
    expect(shared.subscribe('b', () => {})).toEqual({ ok: false, reason: 'full' });
    if (first.ok) first.unsubscribe();
    if (first.ok) first.unsubscribe();
    expect(shared.subscribe('b', () => {})).toMatchObject({ ok: true });
    expect([shared.names(), shared.status()]).toEqual([['a'], { state: 'open', variables: 1, subscribers: 1, coordinations: 0 }]);
  });
});

describe('whoever subscribes', () => {
  it('is told of each change, in order, whoever else throws, leaves or writes', () => {
    const shared = made();
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    const heard: string[] = [];
    shared.subscribe('rate', () => {
      throw new Error('mine');
    });
    const leaver = shared.subscribe('rate', ({ type }) => {
      heard.push(`leaver ${type}`);
      if (leaver.ok) leaver.unsubscribe();
    });
    shared.subscribe('rate', (news) => {
      heard.push(news.type === 'variable.changed' ? `${news.version}: ${String(news.value)}` : news.type);
      if (news.type === 'variable.changed' && news.version === 2) shared.set('rate', 'c');
    });
    shared.define('rate', { value: 'a' });
    shared.set('rate', 'b');
    shared.delete('rate');
    expect(heard).toEqual(['leaver variable.changed', '1: a', '2: b', '3: c', 'variable.deleted']);
    expect(print).toHaveBeenCalledTimes(4);
    print.mockRestore();
  });

  it('is sent it, if it is an actor, and forgotten when it ends', () => {
    const shared = made();
    const told: VariableNews[] = [];
    const ref = createActor(fromCallback<VariableNews>(({ receive }) => receive((news) => void told.push(news)))).start();
    const lost: unknown[] = [];
    shared.on('variables.subscriberLost', (fact) => lost.push(fact));
    expect(shared.subscribe('rate', ref)).toMatchObject({ ok: true });
    shared.define('rate', { value: 1 });
    exit(ref, 'kill');
    shared.set('rate', 2);
    expect(told).toMatchObject([{ type: 'variable.changed', name: 'rate', value: 1, version: 1, by: null }]);
    expect([lost, shared.status().subscribers]).toEqual([[{ type: 'variables.subscriberLost', name: 'rate', actor: ref.id }], 0]);
    expect(shared.subscribe('rate', ref)).toEqual({ ok: false, reason: 'ended' });
  });
});

describe('shared variables', () => {
  it('tell what happens, and no value', () => {
    const shared = made();
    const facts: unknown[] = [];
    for (const type of ['variables.defined', 'variables.changed', 'variables.deleted', 'variables.refused'] as const)
      shared.on(type, (fact) => facts.push(fact));
    shared.define('rate', { value: 'secret' });
    shared.set('rate', 'secret', { by: 'ann' });
    shared.delete('rate');
    shared.set('rate', 'secret');
    expect(facts).toEqual([
      { type: 'variables.defined', name: 'rate' },
      { type: 'variables.changed', name: 'rate', version: 2, by: 'ann' },
      { type: 'variables.deleted', name: 'rate', version: 2 },
      { type: 'variables.refused', name: 'rate', reason: 'unknown' },
    ]);
  });

  it('answer after their end, and are empty when their supervisor starts them again', async () => {
    const app = orchestrator({ actors: { shared: variables() }, children: [{ id: 'shared', src: 'shared' }] }).start({ clock: new VirtualClock() });
    ends.push(() => app.stop());
    await app.started();
    const shared = variablesHandle(() => app.child('shared'));
    shared.define('rate', { value: 1 });
    const ref = shared.ref as VariablesRef;
    const first = variablesHandle(ref);
    exit(ref.getSnapshot().children.shelf as AnyActorRef, 'kill');
    expect([first.get('rate'), first.set('rate', 1), first.define('x', { value: 1 }), first.delete('rate')]).toEqual(
      ['closed', 'closed', 'closed', 'closed'].map((reason) => ({ ok: false, reason })),
    );
    expect([first.subscribe('rate', () => {}), first.status().state]).toEqual([{ ok: false, reason: 'closed' }, 'ended']);
    expect(shared.ref).not.toBe(ref);
    expect(shared.get('rate')).toEqual({ ok: false, reason: 'unknown' });
  });

  it('refuse what cannot be meant, before anything happens', async () => {
    const shared = made();
    const calls: (() => unknown)[] = [
      () => createVariables({ maxVariable: 1 } as never),
      () => createVariables({ requests: {} as never }),
      () => shared.define('', { value: 1 }),
      () => shared.define('a', { value: undefined }),
      () => shared.define('a', { value: 1, conflict: 'fight' as never }),
      () => shared.define('a', { value: 1, conflict: 'merge' }),
      () => shared.define('a', { value: 1, merge: () => 1 }),
      () => shared.set('a', () => 1),
      () => shared.set('a', 1, { version: 0 }),
      () => shared.set('a', 1, { by: '' }),
      () => shared.update('a', 1 as never),
      () => shared.subscribe('a', {} as never),
      () => shared.on('variables.none' as never, () => {}),
      () => variablesHandle({} as never),
    ];
    for (const call of calls) expect(call).toThrow(misuse);
    shared.define('a', { value: 1 });
    await expect(shared.coordinate('a', { agents: ['x'] })).rejects.toEqual(misuse);
    await expect(shared.coordinate('a', { agents: ['x', 'x'] })).rejects.toEqual(misuse);
    await expect(shared.coordinate('a', { agents: ['x'], combine: 'best' as never })).rejects.toEqual(misuse);
    await expect(shared.coordinateAll([{ variable: '', agents: [] }])).rejects.toEqual(misuse);
  });
});
