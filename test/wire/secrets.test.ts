import { describe, expect, it } from 'vitest';
import { hideIn, hideInJson, parseHidden, secretsOf } from '../../src/wire/secrets.js';

describe('a secret', () => {
  const token = 'auth_tokens/aB.c-1~2+3';
  const encoded = encodeURIComponent(token);
  it.each([
    ['as it is', token],
    ['percent-encoded', encoded],
    ['percent-encoded in lower case', encoded.replaceAll(/%../g, (code) => code.toLowerCase())],
    ['percent-encoded twice', encodeURIComponent(encoded)],
    ['as a form has it', new URLSearchParams({ token }).toString().slice('token='.length)],
    ['with every letter encoded', Array.from(token, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')],
    ['in the JSON of a server that escapes slashes', token.replaceAll('/', '\\/')],
  ])('is blotted out %s, wherever it stands', (_, spelled) => {
    expect(hideIn(`x?access_token=${spelled}&y=${spelled}`, ['other', token])).toBe('x?access_token=[hidden]&y=[hidden]');
  });

  it('leaves all else as it was, and an empty one hides nothing', () => {
    expect(hideIn('auth_tokens/aBxc-1 of 100%', ['', token])).toBe('auth_tokens/aBxc-1 of 100%');
  });
});

describe('a value of JSON', () => {
  const secrets = ['s3cret/key'];

  it('is hidden in its keys as in its texts, at any depth; the rest is as it was, in its order', () => {
    const value = { b: 1, a: ['s3cret/key', { 's3cret/key': null, 'x s3cret%2Fkey': true }], __proto__: undefined, c: { d: 's3cret\\/key' } };
    const hidden = hideInJson(value, secrets);
    expect(JSON.stringify(hidden)).toBe('{"b":1,"a":["[hidden]",{"[hidden]":null,"x [hidden]":true}],"c":{"d":"[hidden]"}}');
    expect(value.a[0]).toBe('s3cret/key');
  });

  it('is the very same where it holds none', () => {
    const value = { a: ['secret'] };
    expect(hideInJson(value, secrets)).toBe(value);
    expect(hideInJson(value, [])).toBe(value);
  });

  it('may be of any length', () => {
    expect(hideInJson(['s3cret/key', ...Array.from({ length: 300_000 }, (_, n) => n)], secrets)).toHaveLength(300_001);
  });

  it('may be of any depth', () => {
    const text = `${'['.repeat(100_000)}"s3cret/key"${']'.repeat(100_000)}`;
    let inner: unknown = hideInJson(JSON.parse(text) as unknown, secrets);
    while (Array.isArray(inner)) inner = inner[0];
    expect(inner).toBe('[hidden]');
  });

  it('keeps a key like `__proto__` as a key, and numbers as numbers', () => {
    expect(JSON.stringify(parseHidden('{"__proto__":{"a":"1234"},"n":1234}', ['1234']))).toBe('{"__proto__":{"a":"[hidden]"},"n":1234}');
  });

  it('is found behind escapes of its text', () => {
    expect(parseHidden('{"a":"\\u0073\\u0033cret\\/key"}', secrets)).toEqual({ a: '[hidden]' });
  });
});

describe('the secrets of a request', () => {
  it('are the values of what is named like one, in headers and in the query; not shorter than four characters', () => {
    const headers = { 'x-goog-api-key': 'a-key', authorization: 'Bearer a-token', cookie: 'c=1', accept: 'text/plain', 'x-token': 'abc' };
    expect(secretsOf('http://user:pass@host/?key=q%2Dkey&alt=sse', headers, ['mine'])).toEqual([
      ...['mine', 'a-key', 'a-token', 'c=1', 'pass', 'user', 'q-key'].filter((word) => word.length >= 4),
    ]);
  });
});
