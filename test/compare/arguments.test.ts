import { describe, expect, test } from 'vitest';
import { readArguments, usage } from '../../bench/compare/arguments.js';

const known = {
  cases: [
    { id: 'A', title: 'a call' },
    { id: 'silent-setup', title: 'a silence' },
  ],
  subjects: ['espalier', '@google/adk'],
};
const read = (...args: string[]) => readArguments(args, known);

describe('the command line of the comparison', () => {
  test('runs all of it unless told otherwise', () => {
    expect(read()).toEqual({ help: false, cases: ['A', 'silent-setup'], subjects: ['espalier', '@google/adk'] });
  });

  test.each([
    ['A', ['A'], ['espalier', '@google/adk']],
    ['@google/adk', ['A', 'silent-setup'], ['@google/adk']],
    ['@google/adk,A,espalier', ['A'], ['espalier', '@google/adk']],
  ])('takes cases and subjects in one list, in any order: %s', (only, cases, subjects) => {
    expect(read('--only', only)).toMatchObject({ cases, subjects });
  });

  test.each([
    [['--only', 'B'], 'expected --only with some of A, silent-setup, espalier, @google/adk, got: B'],
    [['--only', ''], 'expected --only with some of A, silent-setup, espalier, @google/adk, got: an empty name'],
    [['--only', 'A', '--only', 'A'], 'expected --only once, got: 2'],
    [['--json='], 'expected --json with the name of a file, got: an empty one'],
    [['--json'], "Option '--json <value>' argument missing"],
    [['--quick'], "Unknown option '--quick'"],
    [['A'], 'expected no names without --only, got: A'],
  ])('refuses %j', (args, complaint) => {
    expect(read(...args)).toBe(complaint);
  });

  test('is explained with every case and subject', () => {
    const text = usage(known);
    for (const word of ['--only', '--json', '--help', 'A             a call', 'silent-setup  a silence', 'espalier', '@google/adk', 'exit code']) {
      expect(text).toContain(word);
    }
  });
});
