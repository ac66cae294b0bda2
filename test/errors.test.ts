import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EspalierError, errorCodes } from '../src/errors.js';
import { readHouse, textOf, walk } from './house/source.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const rows = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
const documented = rows.map(([code = '']) => code.replaceAll('`', ''));

/** Codes as text in machines/ and src/, the table itself apart; `missing-id` in a file of supervision is `supervision/missing-id`. */
function spelt(): Set<string> {
  const texts = readHouse(root)
    .modules.filter(({ path }) => /^(?:machines|src)\//.test(path) && path !== 'src/errors.ts')
    .flatMap(({ program }) =>
      [...walk(program)].flatMap(([node, [parent]]) => {
        const isArgument = parent?.type === 'CallExpression' || parent?.type === 'NewExpression' || parent?.type === 'Property';
        const value = isArgument ? textOf(node) : null;
        return value === null ? [] : [value, `supervision/${value}`];
      }),
    );
  return new Set(texts);
}

describe('the table of errors', () => {
  it('has a row for every code (docs/errors.md)', () => {
    expect(errorCodes.filter((code) => !documented.includes(code))).toEqual([]);
  });

  it('has a code for every row (src/errors.ts)', () => {
    expect(documented.filter((code) => !(errorCodes as readonly string[]).includes(code))).toEqual([]);
  });

  it('names each code once', () => {
    expect(documented).toEqual([...new Set(documented)]);
    expect(errorCodes).toEqual([...new Set(errorCodes)]);
  });

  it('says of each what it means, how it comes about and what to do', () => {
    expect(rows.filter((cells) => cells.length !== 4 || cells.some((cell) => cell === ''))).toEqual([]);
  });

  it('has no code that nothing throws', { timeout: 120_000 }, () => {
    const used = spelt();
    expect(errorCodes.filter((code) => !used.has(code))).toEqual([]);
  });
});

describe('an error', () => {
  it('says what was expected and what came', () => {
    const error = new EspalierError('supervision/invalid-period', { expected: '`periodMs` to be more than 0', got: -1, term: ['invalidPeriod', -1] });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('EspalierError');
    expect(error.message).toBe('supervision/invalid-period: expected `periodMs` to be more than 0, got: -1');
    expect(error.details.term).toEqual(['invalidPeriod', -1]);
  });

  it('keeps the error beneath', () => {
    const beneath = new Error('no such file');
    expect(new EspalierError('cli/usage', { expected: 'a log', got: 'x.jsonl' }, { cause: beneath }).cause).toBe(beneath);
  });

  it.each([
    ['a function by its name', function weather(): void {}, 'function weather'],
    ['a nameless function', (() => () => {})(), 'function (anonymous)'],
    ['nothing', undefined, 'undefined'],
    ['a circle', circle(), '[object Object]'],
    ['a symbol', Symbol('id'), 'Symbol(id)'],
    ['a long text cut short', 'x'.repeat(500), `"${'x'.repeat(198)}…`],
  ])('shows %s', (_, got, shown) => {
    expect(new EspalierError('cli/usage', { expected: 'a flag', got }).message).toBe(`cli/usage: expected a flag, got: ${shown}`);
  });
});

function circle(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
