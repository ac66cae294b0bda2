/** A secret that is placed anywhere is in no line. */
import fc from 'fast-check';
import { assign, createActor, emit, sendTo, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { ContextTrack } from '../../src/recording/context-track.js';
import { PortableWriter, secretKeys } from '../../src/recording/portable.js';
import { secretName } from '../../src/wire/secret-keys.js';
import { recorder } from '../../src/inspector/recorder.js';
import { blot, hideInQueries } from '../../src/wire/secrets.js';

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

const hidden = `
  password passwords dbPassword password_hash passwordHash passwd passphrase secret secrets clientSecret client_secret apiKey apiKeys api_key API_KEY x-api-key
  x-goog-api-key geminiApiKey GEMINI_API_KEY token apiToken accessToken accessTokens access_token refresh_token authToken id_token idToken sessionToken
  session_token ephemeralToken csrfToken botToken privateKey private_key secretKey accessKey aws_secret_access_key authorization Authorization
  proxy-authorization bearer secretValue secret_values secret-value pass SMTP_PASS pwd otp totp sms_otp credential credentials jwt cookie cookies set-cookie Set-Cookie
`;
const shown = `
  tokens promptTokens totalTokenCount maxTokens tokensUsed total_tokens tokenCount tokenizer costPerToken timeToFirstToken key keys keyboard keyframe publicKey
  monkey idempotencyKey author passed compass bypass passCount passes secretary cookieless name bearerOf
`;
const names = (list: string): string[] => list.trim().split(/\s+/);

describe('a key', () => {
  it.each(names(hidden))('is taken for a secret: %s', (name) => {
    expect([secretKeys.test(name), secretName.test(name)]).toEqual([true, true]);
  });

  it.each(names(shown))('is not taken for a secret: %s', (name) => {
    expect(secretKeys.test(name)).toBe(false);
  });
});

describe('a name of a header, a parameter or a setting', () => {
  it.each(names('pass PASS smtpPass smtp_pass smtp-pass SMTP_PASS dbpass DBPASS pwd PWD dbPwd db_pwd pwdHash DB_PWD_FILE'))(
    'is a secret’s: %s',
    (name) => {
      expect(secretName.test(name)).toBe(true);
    },
  );

  it.each(
    names(
      'compass bypass byPass BYPASS overpass underpass surpass trespass encompass passed passes passage passive passenger passport passThrough passthrough',
    ),
  )('is no secret’s: %s', (name) => {
    expect(secretName.test(name)).toBe(false);
  });
});

describe('a URL in a text', () => {
  it.each([
    ['wss://a.example/ws?key=AIzaSy123', `wss://a.example/ws?key=${blot}`],
    ['GET https://a.example/b?alt=sse&access_token=ya29.x&n=1 failed', `GET https://a.example/b?alt=sse&access_token=${blot}&n=1 failed`],
    ['<https://a.example/?sig=a%2Fb>, <https://a.example/#token=c>', `<https://a.example/?sig=${blot}>, <https://a.example/#token=${blot}>`],
    ['https://a.example/?X-Goog-Signature=ab&X-Goog-Date=2026', `https://a.example/?X-Goog-Signature=${blot}&X-Goog-Date=2026`],
    ['https://a.example/?q=key&page=2', 'https://a.example/?q=key&page=2'],
    ['postgres://app:p@ss%2Fword@db.example:5432/main', `postgres://app:${blot}@db.example:5432/main`],
    ['cannot reach https://bob:hunter22@a.example/?q=1, redis://:topsecret@c', `cannot reach https://bob:${blot}@a.example/?q=1, redis://:${blot}@c`],
    ['https://a.example:8080/@user and mail to bob@a.example', 'https://a.example:8080/@user and mail to bob@a.example'],
    ['the key=value of a map, a==b?c=d:e', 'the key=value of a map, a==b?c=d:e'],
  ])('is told without what its query keeps secret: %s', (text, told) => {
    expect(hideInQueries(text)).toBe(told);
  });

  it('hides the values of pairs as those of keys, also where one takes the place of another', () => {
    const pairs = [
      ['accept', 'text/html'],
      ['authorization', 'hunter-2222'],
    ];
    expect(linesOf({ pairs, parts: [pairs] }, 'id', {})).toContain('["authorization",{"$redacted":true}]');
    expect(linesOf({ pairs, parts: [pairs] }, 'id', {})).not.toContain('hunter-2222');
    expect(linesOf({ pairs }, 'id', { redact: false })).toContain('hunter-2222');
    const writer = new PortableWriter({ pathOf: () => '', textOf: (text) => text }, { secret: secretKeys });
    const track = new ContextTrack(writer);
    track.begin({ pairs: [['accept', 'text/html']] });
    const news = [
      ['authorization', 'hunter-2222'],
      ['authorization', 'hunter-3333'],
      ['accept', 'json'],
    ].map((pair) => track.next({ pairs: [pair] }));
    expect(JSON.stringify(news)).not.toContain('hunter');
    expect(track.written).toEqual({ pairs: [['accept', 'json']] });
  });

  it('is so in every line, as a value, a key and a message, unless nothing is redacted', () => {
    const url = 'wss://a.example/ws?key=AIzaSy123';
    const what = { url, [url]: 1, error: new Error(`cannot reach ${url}`) };
    expect(linesOf(what, `id ${url}`, {})).not.toContain('AIzaSy123');
    expect(linesOf(what, 'id', { redact: false })).toContain('AIzaSy123');
  });
});

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
