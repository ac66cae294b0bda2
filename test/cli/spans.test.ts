import { describe, expect, it } from 'vitest';
import { clip, type Line, paint, widthOf, wrap } from '../../src/cli/screen/spans.js';

const line: Line = [
  { text: '0.1 s  ', tone: 'quiet' },
  { text: 'you  ', tone: 'name' },
  { text: 'a fairly long sentence of words', tone: 'strong' },
];
const plain = (lines: readonly Line[]): string[] => lines.map((one) => paint(one, false));

describe('a line', () => {
  it('is cut at the edge of the screen, and shows that it was', () => {
    expect(paint(clip(line, 20), false)).toBe('0.1 s  you  a fairl…');
    expect(widthOf(clip(line, 20))).toBe(20);
    expect(clip(line, 43)).toBe(line);
  });

  it('is cut between characters as people see them', () => {
    const family: Line = [{ text: '👩‍👩‍👧天気' }];
    expect(widthOf(family)).toBe(6);
    expect(paint(clip(family, 5), false)).toBe('👩‍👩‍👧天…');
    expect(paint(clip(family, 4), false)).toBe('👩‍👩‍👧…');
  });

  it('is broken between words, beneath where its text began', () => {
    expect(plain(wrap(line, 36))).toEqual(['0.1 s  you  a fairly long sentence', '            of words']);
    expect(wrap(line, 43)).toEqual([line]);
  });

  it('is not broken where there is no room for it', () => {
    expect(wrap(line, 25)).toEqual([line]);
  });

  it('cannot steer the terminal', () => {
    expect(paint([{ text: 'a\u001B[2Jb\u0007\u009B1m\nc\td' }], true)).toBe('a\\x1b[2Jb\\x07\\x9b1m⏎c d');
  });

  it('has no codes without colours, and no blanks at its end', () => {
    expect(paint([{ text: 'a', tone: 'bad' }, { text: '  ' }], false)).toBe('a');
    expect(paint([{ text: 'a', tone: 'bad' }], true)).toBe('\u001B[31ma\u001B[0m');
  });
});
