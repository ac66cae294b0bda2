import { describe, expect, it } from 'vitest';
import { bare, concealer } from '../../src/cli/conceal.js';

describe('a word of the command line', () => {
  it.each([
    ['https://user:SEKRET@host/path', 'https://…@host/path'],
    ['wss://SEKRET@host', 'wss://…@host'],
    ['user:SEKRET@host', '…@host'],
    ['https://user:SE@KRET@host', 'https://…@host'],
    ['https://user:SE/KRET@host', 'https://…@host'],
    ['https://user:SE KRET@host', 'https://…@host'],
    ['https://user:SE#KRET@host', 'https://…'],
    ['https://host/path?key=SEKRET', 'https://host/path?…'],
    ['https://host/path?key=SE@KRET', 'https://…'],
    ['https://host/#access_token=SEKRET', 'https://host/?…'],
    ['host/path?key=SEKRET', 'host/path?…'],
    ['/home/me/https:/user:SEKRET@host', '…@host'],
  ])('%j is shown as %j', (word, shown) => {
    expect(bare(word)).toBe(shown);
  });

  it.each([
    'https://host:8080/path',
    'http://[::1]:80',
    'recording #2.log',
    '/home/me/@scope/what?.log',
    'file:///home/me/@scope/main.js:1:2',
    'models/gemini-x',
    '70000',
  ])('%j is shown as it is', (word) => {
    expect(bare(word)).toBe(word);
  });
});

describe('what is said of a command line', () => {
  const args = ['demo', '--base-url=https://me:my "SEKRET" word@host', 'SEK:RET@host'];
  const conceal = concealer(args, ['the-key-of-the-user', 'k', undefined, '']);

  it('hides what was typed, however it is quoted, and the key', () => {
    for (const arg of args) expect(conceal(`got: ${JSON.stringify(arg)}, that is '${arg}'`)).not.toMatch(/SEK|RET/);
    expect(conceal('HTTP 401: the-key-of-the-user is not valid')).toBe('HTTP 401: … is not valid');
  });

  it('hides what comes from elsewhere', () => {
    expect(conceal('cannot reach "wss://me:SEKRET@host/x" or (http://host/?key=SEKRET).')).toBe('cannot reach "wss://…@host/x" or (http://host/?…).');
  });

  it('leaves everything else', () => {
    const said = "TypeError: looks at nothing (k)\n    at f (file:///home/@me/main.js:1:2)\n    at node:internal/x:3:4; ask https://host/help 'demo'";
    expect(conceal(said)).toBe(said);
  });
});
