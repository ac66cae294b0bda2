/** Logs: a line of JSON each, without secrets; pino does for ours. */
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { jsonLogger, type Logger, type LoggerOptions, requireLogger, writes } from '../../src/telemetry/logger.js';

function make(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const log = jsonLogger({ now: () => 1_700_000_000_000, write: (line) => lines.push(line), ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> };
}

describe('a line', () => {
  it('is JSON: its fields, its level, when, and its words', () => {
    const { last, lines, log } = make();
    log.info({ room: 'kitchen', degrees: 31 }, 'too warm');
    expect(lines.at(-1)).toMatch(/^\{.*\}\n$/);
    expect(last()).toEqual({ room: 'kitchen', degrees: 31, level: 'info', time: 1_700_000_000_000, msg: 'too warm' });
  });

  it('is not written below the level of its logger', () => {
    const { lines, log } = make({ level: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({}, level);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['warn', 'error']);
    expect([writes({ level: 'trace' }, 'debug'), writes({ level: 'fatal' }, 'error'), writes({ level: 'silent' }, 'error')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has the fields of its child, and of its child’s child; what every line has, no field replaces', () => {
    const { last, log } = make();
    log.child({ actor: 'app', level: 'none' }).child({ incarnation: 2 }).error({ time: 'noon' }, 'late');
    expect(last()).toEqual({ actor: 'app', incarnation: 2, level: 'error', time: 1_700_000_000_000, msg: 'late' });
  });

  it('hides the values of keys that look like a secret, and given texts wherever they stand', () => {
    const { lines, log } = make({ secrets: ['open sesame'] });
    log.child({ apiKey: 'k-123456' }).info({ to: 'https://x.y/?key=abc&q=1', deep: [{ password: 'p' }], said: 'open sesame!' }, 'open%20sesame');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      apiKey: '[hidden]',
      to: 'https://x.y/?key=[hidden]&q=1',
      deep: [{ password: '[hidden]' }],
      said: '[hidden]!',
      msg: '[hidden]',
    });
  });

  it.each([
    ['by its own kind of pattern', /\p{Lu}ASS/u, 'MyPass'],
    ['by a set of letters', new RegExp('^[\\p{Lu}--[Q]]in$', 'v'), 'pin'],
    ['in any of several lines', /^pin$/m, 'my\nPIN'],
    ['over lines', /my.pin/s, 'my\nPIN'],
    ['each time, also where it remembers where it was', /pin/gy, 'pin'],
  ])('hides the values of keys as an app says it: %s', (_, redact, key) => {
    const { last, log } = make({ redact });
    for (let time = 0; time < 2; time++) {
      log.info({ [key]: 1_234, other: 1 });
      expect(last()).toMatchObject({ [key]: '[hidden]', other: 1 });
    }
  });

  it('can be written of whatever there is', () => {
    const { last, log } = make();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const trap = Object.defineProperty({}, 'broken', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const error = Object.assign(new RangeError('far ?token=abcdef'), { code: 'E_FAR', secretNote: 'x' });
    log.info({ circle, trap, error, when: new Date(0), big: 5n, none: Number.NaN, act: () => 1, bytes: new Uint8Array(3), deep: [[[[[[[[1]]]]]]]] });
    expect(last()).toMatchObject({
      circle: { self: '[circular]' },
      trap: { broken: '[unreadable]' },
      error: { name: 'RangeError', message: 'far ?token=[hidden]', code: 'E_FAR' },
      when: '1970-01-01T00:00:00.000Z',
      ...{ big: '5', none: 'NaN', act: '[function]', bytes: '[3 bytes]' },
    });
    expect(JSON.stringify(last())).not.toContain('secretNote');
  });

  it('is bounded', () => {
    const { lines, log } = make();
    log.info({ long: 'x'.repeat(1_000_000), many: Array.from({ length: 100_000 }, () => 1) });
    expect(lines.at(-1)?.length).toBeLessThan(10_000);
  });

  it('is bounded also where a few lists, each within another many times, come to far more values', () => {
    const { last, lines, log } = make();
    let shared: unknown = 'x';
    for (let depth = 0; depth < 4; depth++) shared = Array.from({ length: 20 }, () => shared);
    log.info({ shared });
    expect(lines.at(-1)?.length).toBeLessThan(10_000);
    expect((last()['shared'] as unknown[]).at(-1)).toBe('[…]');
    const pins = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}password`, n]));
    log.info({ pins: Array.from({ length: 50 }, () => pins) });
    expect((last()['pins'] as unknown[]).at(-1)).toBe('[…]');
  });

  it('that cannot be written is lost, and nobody else notices', () => {
    const log = jsonLogger({
      write: () => {
        throw new Error('disk full');
      },
    });
    const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => undefined);
    expect(() => log.error({}, 'x')).not.toThrow();
    log.child({ of: 'it' }).error({}, 'y');
    expect(console).toHaveBeenCalledOnce();
  });

  it('whose writing rejects is lost alone, and the first loss is told', async () => {
    const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => undefined);
    let count = 0;
    const log = jsonLogger({ write: () => (++count === 2 ? Promise.resolve() : Promise.reject(new Error('disk full'))) });
    for (const word of ['a', 'b', 'c']) log.error({}, word);
    await new Promise(setImmediate);
    expect([count, console.mock.calls.length]).toEqual([3, 1]);
    console.mockRestore();
  });

  it.each([
    [`API key not valid: AIza${'x'.repeat(35)}.`, 'API key not valid: [hidden].'],
    ['sent Authorization: Bearer abc123def456 to it', 'sent Authorization: Bearer [hidden] to it'],
    ['the bearer of this letter; basic authentication; a Bearer token', 'the bearer of this letter; basic authentication; a Bearer token'],
    ['connect postgres://app:hunter22@db:5432/x failed', 'connect postgres://app:[hidden]@db:5432/x failed'],
    [`ghp_${'a1'.repeat(18)} and sk-${'ab'.repeat(12)}`, '[hidden] and [hidden]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '[hidden]'],
  ])('shows no key that stands in a message: %s', (message, shown) => {
    const { last, log } = make();
    log.error({ error: new Error(message) }, message);
    expect(last()).toMatchObject({ error: { message: shown }, msg: shown });
  });
});

describe('a logger', () => {
  it('may be pino’s', () => {
    const lines: string[] = [];
    const log: Logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    requireLogger(log);
    log.child({ actor: 'app' }).warn({ room: 'kitchen' }, 'too warm');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ actor: 'app', room: 'kitchen', msg: 'too warm' });
  });

  it.each([
    ['a level that is none', { level: 'loud' }],
    ['a misspelt option', { lvl: 'info' }],
    ['secrets that are too short', { secrets: ['abc'] }],
    ['no expression to redact by', { redact: 'key' }],
  ])('with %s is refused', (_, options) => {
    expect(() => jsonLogger(options as never)).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
  });
});
