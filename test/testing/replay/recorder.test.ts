/** What a recorder keeps, what it leaves out, and that no app is harmed by it. */
import { assign, createActor, fromCallback, fromPromise, setup, type AnyActorRef, type InspectionEvent } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseRecording, type ActorRecording } from '../../../src/wire/recording/parse.js';
import { record, type RecordOptions, type Recorder } from '../../../src/testing/replay/recorder.js';
import { replay } from '../../../src/testing/replay/replay.js';

const keeper = setup({
  types: { context: {} as { held: unknown }, events: {} as { type: 'hold'; what: unknown } | { type: 'noop' } },
}).createMachine({
  id: 'keeper',
  context: { held: null },
  on: { hold: { actions: assign({ held: ({ event }) => event.what }) }, noop: {} },
});

function keep(options?: RecordOptions): { recorder: Recorder; actor: AnyActorRef; read: () => ActorRecording; hold: (what: unknown) => unknown } {
  const recorder = record(options);
  const actor = createActor(keeper, { id: 'k', inspect: recorder.inspect }).start();
  onTestFinished(() => {
    actor.stop();
  });
  const read = (): ActorRecording => parseRecording(recorder.recording());
  return {
    recorder,
    actor,
    read,
    hold(what) {
      actor.send({ type: 'hold', what });
      const last = read().lines.at(-1);
      return last?.type === '@xstate.transition' ? (last.state.context as { held: unknown }).held : undefined;
    },
  };
}

class Socket {
  readonly key = 'do-not-write-me';
}
class Money {
  readonly #cents = 5;
  toJSON(): object {
    return { cents: this.#cents };
  }
}
class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly tool = 'weather';
}

describe('what a recorder writes of a value', () => {
  const circle: { self?: object } = {};
  circle.self = circle;
  const throwing = {
    fine: 1,
    get bad(): never {
      throw new Error('do not look');
    },
  };
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no keys');
      },
    },
  );
  const many = Array.from({ length: 200_000 }, () => 0);
  let deep: object = {};
  for (let depth = 0; depth < 5_000; depth++) deep = { deep };

  it.each<[string, unknown, unknown]>([
    ['plain data', { a: [1, 'x', true, null] }, { a: [1, 'x', true, null] }],
    ['a getter that throws', throwing, { fine: 1, bad: { $threw: 'do not look' } }],
    ['a proxy that throws', hostile, { $threw: 'no keys' }],
    ['a circle', circle, { self: { $circular: true } }],
    ['a BigInt', 10n ** 30n, { $bigint: '1000000000000000000000000000000' }],
    ['numbers that JSON lacks', [NaN, -Infinity, -0], [{ $number: 'NaN' }, { $number: '-Infinity' }, { $number: '-0' }]],
    ['an instance, by its class only', new Socket(), { $instance: 'Socket' }],
    ['an instance that speaks JSON', new Money(), { $instance: 'Money', json: { cents: 5 } }],
    ['an error with its fields', new ToolError('down'), { $error: { name: 'ToolError', message: 'down', rest: { tool: 'weather' } } }],
    ['a function by name', function answer(): void {}, { $function: 'answer' }],
    ['a symbol', Symbol('s'), { $symbol: 's' }],
    ['a Map', new Map([['a', new Set([1])]]), { $map: [['a', { $set: [1] }]] }],
    ['a date', new Date(0), { $date: '1970-01-01T00:00:00.000Z' }],
    ['bytes', new Uint8Array([1, 2]), { $bytes: 'AQI=' }],
    ['data that looks like a mark', { $actor: 'me' }, { $object: { $actor: 'me' } }],
    ['a prototype as a key', JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ['a long text, cut', 'x'.repeat(70_000), { $cut: 'a text of 70000 characters' }],
    ['a long list, cut', many, { $cut: 'a list of 200000' }],
  ])('%s', (_, value, written) => {
    expect(keep().hold(value)).toEqual(written);
  });

  it('what is too deep, cut', () => {
    expect(JSON.stringify(keep().hold(deep))).toMatch(/^(\{"deep":){64}\{"\$cut":"deeper than 64"\}\}+$/);
  });

  it('a reference to an actor by its name, and a session id by it too', () => {
    const { hold, actor } = keep();
    expect(hold({ me: actor, id: actor.sessionId })).toEqual({ me: { $actor: 'k' }, id: 'x:k' });
  });

  it('no secrets, unless it is told to', () => {
    const value = { apiKey: 'a', deep: [{ Authorization: 'b', access_token: 'c', keyboard: 'd' }] };
    const redacted = {
      apiKey: { $redacted: true },
      deep: [{ Authorization: { $redacted: true }, access_token: { $redacted: true }, keyboard: 'd' }],
    };
    expect(keep().hold(value)).toEqual(redacted);
    expect(keep({ redact: /^keyb/ }).hold(value)).toEqual({ ...value, deep: [{ ...value.deep[0], keyboard: { $redacted: true } }] });
    expect(keep({ redact: false }).hold(value)).toEqual(value);
  });

  it('an event of a class by its type and its own fields', () => {
    class Hold {
      readonly type = 'hold';
      readonly what = 'own';
    }
    const { actor, recorder, read } = keep();
    actor.send(new Hold());
    expect(read().lines.at(-2)).toMatchObject({ event: { type: 'hold', what: 'own' } });
    expect(replay(recorder.recording(), { machines: [keeper] })).toMatchObject({ ok: true, transitions: 2 });
  });

  it('and each of them replays as itself', () => {
    const { recorder, hold } = keep();
    for (const value of [throwing, hostile, circle, 10n, NaN, new Socket(), new Money(), new ToolError('x'), Math.max, Symbol('s'), many, deep])
      hold(value);
    for (const value of [new Map([[{ a: 1 }, 2]]), new Date(NaN), new Uint8Array(3), { $map: 1 }, { apiKey: 'a' }, [undefined], 'x'.repeat(1e5)])
      hold(value);
    expect(replay(recorder.recording(), { machines: [keeper] })).toMatchObject({ ok: true, transitions: 20 });
  });
});

describe('a recorder', () => {
  it('stops at its bound, says so, and leaves a recording that replays up to there', () => {
    const { actor, recorder, read } = keep({ maxBytes: 4_096 });
    for (let n = 0; n < 100; n++) actor.send({ type: 'hold', what: `number ${n}` });
    const text = recorder.recording();
    expect(Buffer.byteLength(text)).toBeLessThan(4_096 + 200);
    expect(read().cut).toMatchObject({ why: 'maxBytes (4096) is reached' });
    expect(read().cut?.dropped).toBeGreaterThan(150);
    expect(replay(text, { machines: [keeper] })).toMatchObject({ ok: true, cut: 'maxBytes (4096) is reached' });
    expect(actor.getSnapshot()).toMatchObject({ context: { held: 'number 99' } });
  });

  it('survives whatever inspection gives it, and says that it failed', () => {
    const recorder = record();
    expect(() => recorder.inspect(null as unknown as InspectionEvent)).not.toThrow();
    expect(() => recorder.inspect({ type: '@xstate.event' } as unknown as InspectionEvent)).not.toThrow();
    expect(parseRecording(recorder.recording()).cut).toMatchObject({ why: expect.stringMatching(/^the recorder failed: /) as string, dropped: 1 });
  });

  it('leaves out actors that were created and never started', () => {
    const parent = setup({ actors: { kid: keeper } }).createMachine({ id: 'parent', invoke: { id: 'kid', src: 'kid' } });
    const recorder = record();
    createActor(parent, { id: 'ghost', inspect: recorder.inspect });
    expect(parseRecording(recorder.recording()).lines).toEqual([]);
    createActor(parent, { id: 'real', inspect: recorder.inspect }).start().stop();
    expect(starts(recorder)).toEqual(['real', 'real/kid']);
  });

  it('tells what was sent to the dead', () => {
    const { actor, read } = keep();
    actor.stop();
    actor.send({ type: 'noop' });
    expect(read().lines.at(-1)).toMatchObject({ type: '@xstate.event', event: { type: 'noop' }, dead: true });
  });

  it('numbers the incarnations of a child, and keeps ids apart that look like a number or a way', () => {
    const kid = fromCallback(() => undefined);
    const parent = setup({ actors: { kid } }).createMachine({
      id: 'parent',
      initial: 'on',
      states: {
        on: {
          invoke: [
            { id: 'kid', src: 'kid' },
            { id: 'kid#2', src: 'kid' },
            { id: 'a/b', src: 'kid' },
          ],
          on: { again: { target: 'on', reenter: true } },
        },
      },
    });
    const recorder = record();
    const actor = createActor(parent, { inspect: recorder.inspect }).start();
    actor.send({ type: 'again' });
    actor.stop();
    expect(starts(recorder)).toEqual(['root', 'root/kid', 'root/kid#2#1', 'root/a%2Fb', 'root/kid#2', 'root/kid#2#2', 'root/a%2Fb#2']);
  });

  it('tells the crash of a root, which XState tells to nobody', () => {
    const crashing = setup({}).createMachine({
      id: 'crashing',
      on: {
        go: {
          actions: assign(() => {
            throw new TypeError('no');
          }),
        },
      },
    });
    const recorder = record();
    const actor = createActor(crashing, { id: 'r', inspect: recorder.inspect });
    actor.subscribe({ error: () => undefined });
    actor.start().send({ type: 'go' });
    const [line, exit] = parseRecording(recorder.recording()).lines.slice(-2);
    expect(exit).toMatchObject({ type: '@espalier.exit', actor: 'r', reason: { crash: { $error: { name: 'TypeError', message: 'no' } } } });
    expect(line).toMatchObject({
      type: '@xstate.transition',
      event: 4,
      state: { status: 'error', error: { $error: { name: 'TypeError', message: 'no' } } },
    });
    expect(replay(recorder.recording(), { machines: [crashing] })).toMatchObject({ ok: true, transitions: 2 });
  });

  it('can be asked again, and can follow two systems at once', () => {
    const recorder = record();
    const [one, two] = [0, 1].map(() => createActor(keeper, { id: 'k', inspect: recorder.inspect }).start());
    one?.send({ type: 'noop' });
    const early = parseRecording(recorder.recording());
    two?.send({ type: 'noop' });
    one?.stop();
    two?.stop();
    expect(early.lines).toHaveLength(7);
    expect(starts(recorder)).toEqual(['k', 'k#2']);
    expect(replay(recorder.recording(), { machines: [keeper] })).toMatchObject({ ok: true, actors: 2, transitions: 6 });
  });

  it('follows a system that it was attached to later', () => {
    const actor = createActor(keeper, { id: 'k' }).start();
    actor.send({ type: 'hold', what: 'before' });
    const recorder = record();
    actor.system.inspect(recorder.inspect);
    actor.send({ type: 'hold', what: 'after' });
    actor.stop();
    expect(parseRecording(recorder.recording()).lines[1]).toMatchObject({ actor: 'k', from: 'joined', state: { context: { held: 'before' } } });
    expect(replay(recorder.recording(), { machines: [keeper] })).toMatchObject({
      ok: true,
      transitions: 2,
      unchecked: ['the start of k: it ran before the recording'],
    });
  });

  it('records in detail the machines that it is asked for; others take part in the conversation only', async () => {
    const work = fromPromise(() => Promise.resolve('done'));
    const parent = setup({ actors: { kid: keeper, work } }).createMachine({
      id: 'parent',
      invoke: [
        { id: 'kid', src: 'kid' },
        { id: 'work', src: 'work' },
      ],
      on: { 'xstate.done.actor.work': {} },
    });
    const recorder = record({ machines: ['parent'] });
    const actor = createActor(parent, { id: 'p', inspect: recorder.inspect }).start();
    await new Promise((told) => {
      actor.subscribe(told);
    });
    actor.stop();
    const { lines } = parseRecording(recorder.recording());
    expect(lines.filter(({ type }) => type === '@xstate.actor')).toMatchObject([{ machine: 'parent' }, { machine: null }, { machine: null }]);
    expect(lines.every((line) => line.type !== '@xstate.transition' || line.actor === 'p')).toBe(true);
    expect(replay(recorder.recording(), { machines: [parent] })).toMatchObject({ ok: true, actors: 1 });
  });

  it.each<[string, object, RegExp]>([
    ['an unknown key', { max: 1 }, /options of record\(\) with the keys machines, maxBytes, redact, got: "max"/],
    ['no room', { maxBytes: 10 }, /`maxBytes` to be a whole number of at least 1024/],
    ['no end', { maxBytes: Infinity }, /`maxBytes`/],
    ['a machine for its id', { machines: [keeper] }, /`machines` to be a list of machine ids/],
    ['a text for an expression', { redact: 'key' }, /`redact` to be a regular expression/],
    ['a flag that would be lost', { redact: /^\p{L}+$/u }, /of flags only i, which always holds, and g, got: "\/\^\\\\p\{L\}\+\$\/u"/],
  ])('refuses %s', (_, options, says) => {
    expect(() => record(options as RecordOptions)).toThrow(says);
  });

  function starts(recorder: Recorder): string[] {
    return parseRecording(recorder.recording()).lines.flatMap((line) => (line.type === '@xstate.actor' ? [line.actor] : []));
  }
});
