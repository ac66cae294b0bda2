import { describe, expect, test } from 'vitest';
import { readArguments } from '../../bench/arguments.js';

const read = (...args: string[]) => readArguments(args, [{ name: 'supervision', subjects: ['promise', 'espalier'] }]);

describe('the command line of the benchmarks', () => {
  test('takes names and flags in any order', () => {
    expect(read('--rounds', '3', 'supervision', '--json', 'out.json', '--check')).toEqual({
      names: ['supervision'],
      rounds: 3,
      smoke: false,
      check: true,
      help: false,
      json: 'out.json',
    });
  });

  test('takes five rounds unless told, and one for a smoke run', () => {
    expect(read('supervision')).toMatchObject({ rounds: 5 });
    expect(read('supervision', '--smoke')).toMatchObject({ rounds: 1 });
  });

  test('takes a list of subjects', () => {
    expect(read('supervision', '--only', 'promise,espalier')).toMatchObject({ only: ['promise', 'espalier'] });
  });

  test.each([
    [['supervison'], 'expected one of supervision, got: supervison'],
    [['supervision', '--only', 'promise,espaliers'], 'expected one of promise, espalier, got: espaliers'],
    [['--quick'], "Unknown option '--quick'"],
    [['supervision', '--rounds', '0'], 'expected --rounds as a positive whole number, got: 0'],
    [['supervision', '--rounds', 'many'], 'expected --rounds as a positive whole number, got: many'],
    [['supervision', '--json'], "Option '--json <value>' argument missing"],
    [['supervision', '--keep='], 'expected --keep with the name of a folder, got: an empty one'],
    [['supervision', '--keep', 'folder', '--smoke'], '--smoke measures nothing that --keep could keep: give one of them'],
    [['supervision', '--json='], 'expected --json with the name of a file, got: an empty one'],
    [['supervision', '--json', 'a.json', '--json=b.json'], 'expected --json once, got: 2'],
    [['supervision', '--only', 'promise', '--only', 'espalier'], 'expected --only once, got: 2'],
    [['supervision', '--smoke', '--check'], '--smoke measures nothing that --check could judge: give one of them'],
  ])('refuses %j', (args, complaint) => {
    expect(read(...args)).toBe(complaint);
  });
});
