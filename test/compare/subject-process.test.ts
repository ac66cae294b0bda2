import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastWords, processSubject, type ToldFact } from '../../bench/compare/subject-process.js';

const folder = mkdtempSync(join(tmpdir(), 'espalier-subject-'));
const program = join(folder, 'program.mjs');
beforeAll(() => {
  // Says what it was started with and when, then does what the case's id says.
  writeFileSync(
    program,
    `const [adapter, id, url] = process.argv.slice(2);
     const at = () => Number(process.hrtime.bigint()) / 1e6;
     process.on('disconnect', () => process.exit(0));
     process.channel.ref();
     process.send({ type: 'loaded' });
     process.send({ type: 'fact', kind: 'text', detail: [adapter, url, process.env.GOOGLE_API_KEY].join(' '), at: at() });
     if (id === 'crashes') void Promise.reject(new TypeError('x is not a function'));
     else process.send({ type: 'acted' });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function started(id: string) {
  const facts: ToldFact[] = [];
  const began = performance.now();
  const running = processSubject('fake', '0', 'file:///adapter.js', program).start({ id, url: 'http://here' }, (fact) => facts.push(fact));
  return { facts, began, running };
}

describe('the process of a subject', () => {
  test('tells what its app sees, on the clock of whoever watches it, and lives until it is killed', async () => {
    const { facts, began, running } = started('stays');
    await running.loaded;
    await running.acted;
    expect(facts).toMatchObject([{ kind: 'text', detail: 'file:///adapter.js http://here local' }]);
    expect(facts[0]?.at).toBeGreaterThan(began);
    expect(facts[0]?.at).toBeLessThan(performance.now());
    running.kill();
    expect(await running.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('leaves the error that it died of', async () => {
    const { running } = started('crashes');
    expect(await running.ended).toEqual({ code: 1, signal: null, words: 'TypeError: x is not a function' });
    running.kill();
  });
});

describe('the last words of a process', () => {
  test.each([
    [
      'file:///a.js:3\n  throw e;\n  ^\n\nSyntaxError: Unexpected end of JSON input\n    at JSON.parse\n\nNode.js v20.20.2\n',
      'SyntaxError: Unexpected end of JSON input',
    ],
    ['node:internal/process/promises:288\n\n[UnhandledPromiseRejection: …] {\n', undefined],
    ['', undefined],
  ])('%j', (stderr, words) => {
    expect(lastWords(stderr)).toBe(words);
  });
});
