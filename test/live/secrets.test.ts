import { describe, expect, it } from 'vitest';
import { hideIn } from '../../src/live/secrets.js';

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
