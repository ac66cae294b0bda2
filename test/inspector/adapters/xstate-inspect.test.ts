/** What the adapter of `@xstate/inspect` says, message by message. Against the package itself: test/compat/inspect-v4. */
import { describe, expect, it } from 'vitest';

import { XStateInspect } from '../../../src/inspector/adapters/xstate-inspect.js';
import { Scene, sceneAt } from '../../../src/recording/scene.js';
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { door, small, started } from './small.js';

interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly id?: string;
  readonly parent?: string;
  readonly machine?: string;
  readonly state?: string;
  readonly event?: string;
}

function tell(lines: readonly RecordedLine[], adapter = new XStateInspect()): Told[] {
  return adapter.lines(lines).map((text) => JSON.parse(text) as Told);
}

function brief({ type, sessionId, state, event }: Told): string {
  const value = state === undefined ? '' : ` ${JSON.stringify((JSON.parse(state) as { value: unknown }).value)}`;
  return `${type} ${sessionId}${value}${event === undefined ? '' : ` ${(JSON.parse(event) as { name: string }).name}`}`;
}

describe('the adapter of @xstate/inspect', () => {
  it('tells of starts, events, states and ends in their order', () => {
    expect(tell(small).map(brief)).toEqual([
      'service.register house "shut"',
      'service.register house/door "shut"',
      'service.event house/door push',
      'service.state house/door "open"',
      'service.event house knock',
      'service.state house "shut"',
      'service.stop house/door',
      'service.register house/door#2 "shut"',
      'service.register house/bell "active"',
      'service.event house/door#2 xstate.after(rest)#door.shut',
      'service.state house/door#2 "shut"',
      'service.event house/bell ring',
      'service.state house/bell "done"',
      'service.stop house/bell',
    ]);
  });

  it('writes a state whole: its context with what has changed, its event, its tags, its actions', () => {
    const [, register, , moved] = tell(small);
    expect(register).toMatchObject({ id: 'door', parent: 'house' });
    expect(JSON.parse(register?.state ?? '')).toMatchObject({ tags: ['safe'], context: { count: 0 }, _event: { name: 'xstate.init' }, done: false });
    expect(JSON.parse(moved?.state ?? '')).toMatchObject({
      context: { count: 1 },
      event: { type: 'push', by: 'me' },
      _sessionid: 'house/door',
      actions: [{ type: 'creak' }],
      children: {},
    });
  });

  it('says nothing until a viewer asks, then everything, and again whenever it asks', () => {
    const adapter = new XStateInspect();
    expect(adapter.isOpen).toBe(false);
    expect(adapter.receive('{"type":"xstate.inspecting"}')).toEqual({ kind: 'open' });
    expect(adapter.isOpen).toBe(true);
    const scene = sceneAt(small);
    const first = adapter.open(scene);
    expect(first.map((text) => brief(JSON.parse(text) as Told))).toEqual(['service.register house "shut"', 'service.register house/door#2 "shut"']);
    expect(adapter.open(scene)).toEqual(first);
  });

  it('tells the end of whom a keyframe does not have any more', () => {
    const frame: RecordedLine[] = [{ type: '@espalier.keyframe', seq: 15, at: 200, lines: 1 }, started(15, 200, 'house', { from: 'joined' })];
    expect(
      tell([...small, ...frame])
        .slice(-2)
        .map(brief),
    ).toEqual(['service.register house "shut"', 'service.stop house/door#2']);
  });

  it('shows as many actors as it may, and others when there is room', () => {
    const adapter = new XStateInspect({ maxActors: 2 });
    expect(tell(small.slice(0, 3), adapter).map(brief)).toHaveLength(2);
    const more = Array.from({ length: 10 }, (_, index) => started(20 + index, 20, `house/more-${index}`));
    expect(tell(more, adapter)).toEqual([]);
    expect(adapter.untold).toBe(10);
    expect(tell([{ type: '@espalier.exit', seq: 40, at: 30, actor: 'house/door', reason: 'normal' }], adapter).map(brief)).toEqual([
      'service.stop house/door',
      'service.register house/more-0 "shut"',
    ]);
    expect(adapter.untold).toBe(9);
  });

  it('tells of an actor when its state is known, with the events that came before', () => {
    const { state: _, ...line } = started(2, 0, 'house');
    const lines: RecordedLine[] = [
      { type: '@espalier.machine', seq: 1, at: 0, machine: 'door', definition: door },
      line,
      { type: '@xstate.event', seq: 3, at: 0, actor: 'house', source: 'house/x', event: { type: 'early' } },
      {
        type: '@xstate.transition',
        seq: 4,
        at: 0,
        actor: 'house',
        event: { type: 'xstate.init' },
        taken: [],
        state: { status: 'active', value: 'shut' },
        actions: [],
      },
    ];
    expect(tell(lines).map(brief)).toEqual(['service.register house "shut"', 'service.event house early']);
  });

  it('says that a machine has failed, and why', () => {
    const failed: RecordedLine = {
      type: '@xstate.transition',
      seq: 6,
      at: 5,
      actor: 'house/door',
      event: 4,
      taken: [],
      state: { status: 'error', value: 'open', error: { $error: { name: 'Error', message: 'stuck' } } },
      actions: [],
    };
    const last = tell([...small.slice(0, 5), failed]).at(-1);
    expect(JSON.parse(last?.event ?? '')).toMatchObject({ name: 'error.execution', data: { data: { $error: { message: 'stuck' } } } });
  });

  it('hands on an event as it is, but for what JavaScript would take for a prototype', () => {
    const adapter = new XStateInspect();
    tell(small, adapter);
    const receive = (event: string) => adapter.receive(JSON.stringify({ type: 'xstate.event', event, service: 'house' }));
    const sent = receive('{"name":"a","data":{"type":"a","more":[1],"__proto__":{"isAdmin":true}},"origin":"house"}');
    expect(sent).toEqual({ kind: 'send', actor: 'house', event: { type: 'a', more: [1] } });
    expect(Object.hasOwn((sent as { event: object }).event, '__proto__')).toBe(false);
    expect(receive('{"name":"a","origin":"house"}')).toEqual({ kind: 'send', actor: 'house', event: { type: 'a' } });
    for (const event of [
      '{"name":"xstate.stop","origin":"house"}',
      '{"name":"a","origin":"house/door"}',
      '{"name":"a"}',
      '"a"',
      'a',
      '{"origin":"house"}',
    ])
      expect(receive(event)).toMatchObject({ kind: 'refused' });
    expect(adapter.receive('{"type":"somebody.else"}')).toEqual({ kind: 'nothing' });
  });

  it('makes no message of a machine that it cannot resolve, and cuts a context that is too long', () => {
    const odd = started(2, 0, 'house', { state: { status: 'active', value: { $cut: 'too large' }, context: {} } });
    const long = started(3, 0, 'house/long', { state: { status: 'active', value: 'shut', context: { text: 'x'.repeat(100_000) } } });
    const [machine] = small;
    const messages = tell([machine as RecordedLine, odd, long]);
    expect(messages.map(brief)).toEqual(['service.register house/long "shut"']);
    expect(JSON.stringify(messages).length).toBeLessThan(5_000);
  });

  it('keeps every message small, however many children there are', () => {
    const scene = new Scene();
    const lines = [...small.slice(0, 2), ...Array.from({ length: 10_000 }, (_, index) => started(index + 3, 0, `house/c${index}`))];
    for (const line of lines) scene.take(line);
    const adapter = new XStateInspect();
    const messages = adapter.open(scene);
    expect(messages).toHaveLength(500);
    expect(adapter.untold).toBe(9_501);
    expect(Math.max(...messages.map((text) => text.length))).toBeLessThan(8_192);
  });
});
