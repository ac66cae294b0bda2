import { describe, expect, it, vi } from 'vitest';
import { hideIn, hideInExcerpt, hideInJson, isBeginning, parseHidden, secretsOf } from '../../src/wire/secrets.js';

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

describe('the beginning of a secret', () => {
  const key = 'AIza+SECRET/0123';
  const secrets = ['my secret passphrase', key];
  const byLetter = Array.from(key, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
  const byUnicode = Array.from(key, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('');

  it.each([
    ['as it is', key],
    ['percent-encoded', encodeURIComponent(key)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(key))],
    ['with every letter encoded', byLetter],
    ['with the escapes of JSON', byUnicode],
    ['in the JSON of a server that escapes slashes', key.replaceAll('/', '\\/')],
  ])('is not where a text ends, wherever that was cut: %s', (_, spelled) => {
    const first = spelled === byLetter ? 12 : spelled === byUnicode ? 24 : 4;
    for (let end = first; end <= spelled.length; end++)
      expect(hideInExcerpt(`no such key: ${spelled.slice(0, end)}`, secrets)).toBe('no such key: [hidden]');
  });

  it.each([
    ['with a blank', 'bad token my secret pass', 'bad token [hidden]'],
    ['that ends with one', 'bad token my ', 'bad token my '],
    ['of four words', 'bad token my s', 'bad token [hidden]'],
    ['with an ellipsis behind it', `key ${key.slice(0, 9)}… is not valid`, 'key [hidden]… is not valid'],
    ['in quotes', `Unexpected token 'A', "${key.slice(0, 12)}" is not valid`, `Unexpected token 'A', "[hidden]" is not valid`],
    ['twice', `${key.slice(0, 8)}, ${key}, ${key.slice(0, 5)}`, '[hidden], [hidden], [hidden]'],
    ['behind one that is none', `AIzaAIza${key.slice(4, 9)}`, 'AIza[hidden]'],
    ['that is too short to tell', 'AIz', 'AIz'],
    ['that goes on as something else', 'AIza is how keys begin', 'AIza is how keys begin'],
  ])('%s', (_, text, hidden) => {
    expect(hideInExcerpt(text, secrets)).toBe(hidden);
  });

  it('is looked for by expressions that are made once, however many texts there are', () => {
    const own = [...secrets];
    expect(hideInExcerpt(key.slice(0, 8), own)).toBe('[hidden]');
    const made = vi.fn<(pattern: string | RegExp) => void>();
    class Counted extends RegExp {
      constructor(pattern: string | RegExp, flags?: string) {
        super(pattern, flags);
        made(pattern);
      }
    }
    vi.stubGlobal('RegExp', Counted);
    try {
      expect(hideInExcerpt(`AIzaAIza ${key.slice(0, 9)}, my s`, own)).toBe('AIzaAIza [hidden], [hidden]');
      expect(isBeginning(key.slice(0, 9), own)).toBe(true);
      expect(made).not.toHaveBeenCalled();
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('is in no text of a value, and in no key of it', () => {
    expect(hideInJson({ [`a ${key.slice(0, 6)}`]: [key.slice(0, 10), 1] }, secrets, hideInExcerpt)).toEqual({ 'a [hidden]': ['[hidden]', 1] });
  });

  it('is known for one, also by a single letter, and cut in the middle of an escape', () => {
    for (const text of ['A', key.slice(0, 9), 'AIza%2', 'AIza\\u0', 'my ']) expect(isBeginning(text, secrets)).toBe(true);
    for (const text of ['B', `${key.slice(0, 9)}x`, `${key} `]) expect(isBeginning(text, secrets)).toBe(false);
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

  it('are not whether a thing is private: an answer may say true', () => {
    expect(secretsOf('http://host/?private=true&isPrivate=true&passwd=hunter2&jwt=abcd', { 'x-private': 'false-alarm' })).toEqual([
      'false-alarm',
      'hunter2',
      'abcd',
    ]);
  });

  it.each([
    ['each of its cookies', 'cookie', 'session=topsecret1; other="topsecret2";third=top=secret3', ['topsecret1', 'topsecret2', 'top=secret3']],
    ['a cookie as whoever decodes it has it', 'cookie', 's=s%3Aabc.def; t=%zzz123', ['s%3Aabc.def', 's:abc.def', '%zzz123']],
    ['a cookie that is short, or a word, with its name', 'Cookie', 'a=topsecret1; dark=true', ['topsecret1', 'dark=true', 'a=topsecret1; dark=true']],
    ['what follows a scheme, with its blanks', 'Authorization', 'Basic  my secret passphrase', ['my secret passphrase']],
    ['all that has no scheme', 'authorization', 'my-passphrase', ['my-passphrase']],
    ['a short one with its scheme', 'authorization', 'Basic abc', ['Basic abc']],
    [
      'the whole of another header, and what would follow a scheme',
      'x-auth-token',
      'correct horse battery',
      ['correct horse battery', 'horse battery'],
    ],
  ])('are %s', (_, name, value, secrets) => {
    expect(secretsOf('http://host/', { [name]: value })).toEqual(secrets);
  });
});
