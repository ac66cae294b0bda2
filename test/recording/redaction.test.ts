/** A secret that is placed anywhere is in no line. */
import fc from 'fast-check';
import { assign, createActor, emit, sendTo, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { recorder } from '../../src/inspector/recorder.js';
import { blot } from '../../src/wire/secrets.js';

const secret = 's3cr3t-"word"/ä';

/** Ways to hide a text in a value. */
const places: readonly ((text: string, inner: unknown) => unknown)[] = [
  (text) => text,
  (text) => `before ${text} after`,
  (text, inner) => ({ [text]: inner }),
  (text, inner) => ({ [`key ${text}`]: [inner] }),
  (text, inner) => [inner, text],
  (text, inner) =>
    new Map<unknown, unknown>([
      [text, inner],
      ['k', text],
    ]), // prettier-ignore
  (text, inner) => new Set([inner, text]),
  (text, inner) => Object.assign(new Error(`failed with ${text}`, { cause: inner }), { [text]: inner, detail: text }),
  (text) => Object.assign(new RangeError('x'), { name: text }),
  (text) => Symbol(text),
  (text) => ({ toJSON: () => text, __proto__: { constructor: { name: text }, own: 1 } }),
  (text) => Object.defineProperty(() => undefined, 'name', { value: text }),
  (text, inner) => ({
    get bad(): never {
      throw new Error(text);
    },
    inner,
  }), // prettier-ignore
  (text) => `${'x'.repeat(5_000)}${text}`,
];

interface Hold {
  readonly type: 'hold';
  readonly what: unknown;
  readonly id: string;
}

const holder = setup({
  types: { context: {} as { held: unknown }, events: {} as Hold, input: {} as { what: unknown } },
  actors: { kid: setup({}).createMachine({ id: 'kid', context: ({ input }) => ({ input }) }) },
  actions: { odd: (_args: unknown, _params: { what: unknown }) => undefined },
}).createMachine({
  id: 'holder',
  context: ({ input }: { input: { what: unknown } }) => ({ held: input.what }),
  on: {
    hold: {
      actions: [
        assign({ held: ({ event }: { event: Hold }) => event.what }),
        assign(({ spawn, event }: { spawn: (src: string, options: object) => void; event: Hold }) => {
          spawn('kid', { id: event.id, input: event.what });
          return {};
        }),
        { type: 'odd', params: ({ event }: { event: Hold }) => ({ what: event.what }) },
        sendTo(
          ({ self }: { self: AnyActorRef }) => self,
          ({ event }: { event: Hold }) => ({ type: `said ${event.id}`, what: event.what }),
        ),
        emit(({ event }: { event: Hold }) => ({ type: 'told', what: event.what })),
      ],
    },
    crash: {
      actions: () => {
        throw new Error(secret);
      },
    },
  },
} as never);

function linesOf(what: unknown, id: string, options: Parameters<typeof recorder>[0]): string {
  const live = recorder(options);
  const lines: string[] = [];
  const root: AnyActorRef = createActor(holder, { id: `root ${id}`, input: { what } });
  root.subscribe({ error: () => undefined });
  live.attach(root);
  const { dispose } = live.subscribe({ lines: (more) => lines.push(...more.map((line) => JSON.stringify(line))) });
  root.start();
  root.send({ type: 'hold', what, id });
  root.send({ type: 'hold', what: [what, 1], id: `${id} again` });
  const late = live.keyframe().map((line) => JSON.stringify(line));
  const value = JSON.stringify(live.valueOf([...live.keyframe()].flatMap((line) => ('actor' in line ? [line.actor] : []))[0] ?? ''));
  root.send({ type: 'crash' });
  dispose();
  return [JSON.stringify(live.head), ...lines, ...late, value].join('\n');
}

describe('a secret', () => {
  it('that was named is in no line, wherever it stands and however deep', () => {
    const placed = fc
      .array(fc.nat(places.length - 1), { minLength: 1, maxLength: 4 })
      .map((way) =>
        way.reduceRight<unknown>((inner, index) => (places[index] as (text: string, inner: unknown) => unknown)(secret, inner), 'innermost'),
      );
    fc.assert(
      fc.property(placed, (what) => {
        const text = linesOf(what, `id ${secret}`, { secrets: [secret] });
        expect(text).not.toContain(secret);
        expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(text).not.toContain('s3cr3t');
        expect(text).toContain(blot);
      }),
      { numRuns: 300, seed: 6 },
    );
  });

  it.each<[string, (value: string) => unknown]>([
    ['an object', (value) => ({ password: value })],
    ['deep within', (value) => [{ a: { apiKey: { deep: value } } }]],
    ['a Map', (value) => new Map([['access_token', value]])],
    ['an error', (value) => Object.assign(new Error('no'), { authorization: value })],
    ['a cause', (value) => new Error('no', { cause: { clientSecret: value } })],
  ])('under a key that says so is in no line: %s', (_, place) => {
    const text = linesOf(place('hidden-value'), 'id', {});
    expect(text).not.toContain('hidden-value');
    expect(text).toContain('{"$redacted":true}');
    expect(linesOf(place('hidden-value'), 'id', { redact: false })).toContain('hidden-value');
  });
});
