/** The guide to tools is true: its programs and the example run against the built package, and its tables have every event and every failure. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { guidePrograms, root } from '../browser/guide-programs.js';

const { guide, blocks, examples, printedBy } = guidePrograms('tools', 'tools');

const answered = (...parts: readonly object[]): object => ({
  events: [{ candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }] }],
});

function serving(...answers: readonly object[]) {
  return geminiServer({ key: 'a-key', http: answers.map((answer) => ({ on: 'streamGenerateContent' as const, answer: [answer] })) as never });
}

describe('the programs of the guide to tools', { timeout: 60_000 }, () => {
  it('begin with one whose model calls a tool, and answers', async () => {
    await using server = await serving(answered({ functionCall: { name: 'weather', args: {} } }), answered({ text: 'Light rain, 12 °C.' }));
    expect(await printedBy('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Light rain, 12 °C.']);
    expect(JSON.stringify(server.requests[1]?.body)).toContain('{"sky":"light rain","celsius":12}');
  });

  it('have the tools of an MCP server called, beside one of their own', async () => {
    const calls = ['files_list', 'time'].map((name) => ({ functionCall: { name, args: {} } }));
    await using server = await serving(answered(...calls), answered({ text: 'notes.txt, and it is 14:05.' }));
    expect(await printedBy('block1.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['notes.txt, and it is 14:05.']);
    const body = server.requests[1]?.body as { contents: { parts: object[] }[] } | undefined;
    expect(body?.contents.at(-1)?.parts).toEqual([
      { functionResponse: { name: 'files_list', response: { output: 'notes.txt' } } },
      { functionResponse: { name: 'time', response: { output: '14:05' } } },
    ]);
  });

  it('have one under a supervisor, which exits when it is answered', async () => {
    await using server = await serving(answered({ text: 'Hello to you.' }));
    expect(await printedBy('block2.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Hello to you.', 'helper normal']);
  });

  it('end with one for tests, which prints what it says', async () => {
    const promised = [...(blocks[3] ?? '').matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1]);
    expect(promised).toHaveLength(2);
    expect(await printedBy('block3.js')).toEqual(promised);
  });

  it('are all run', () => {
    expect([blocks.length, examples]).toEqual([4, ['conversation.ts']]);
  });
});

it('the example prints the calls, the results and the answer', { timeout: 60_000 }, async () => {
  expect(await printedBy('conversation.js')).toEqual([
    'weather is called with {"city":"Oslo"}',
    'time is called with {"city":"Oslo"}',
    expect.stringMatching(/^(?:weather|time) is answered/),
    expect.stringMatching(/^(?:weather|time) is answered/),
    'It is 14:05 in Oslo, 12 °C.',
    'answered after 2 turns',
  ]);
});

it('the guide has a row for each event, each option with a limit, and each kind of failure of its own', () => {
  const told = ['events.ts', 'model.ts'].flatMap((file) => [
    ...readFileSync(join(root, 'src/tools', file), 'utf8').matchAll(/readonly type: '(\w+)'/g),
  ]);
  expect(told.length).toBeGreaterThan(7);
  for (const [, name] of told) expect(guide, `event ${name}`).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
  const kinds = readFileSync(join(root, 'machines/tools/outcome.ts'), 'utf8').match(/readonly kind: StreamFailure\['kind'\] \| (.*);/)?.[1] ?? '';
  for (const [, name] of kinds.matchAll(/'(\w+)'/g)) expect(guide, `failure ${name}`).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
  for (const option of ['maxTurns', 'maxParallel', 'maxCalls', 'toolMs', 'turnMs', 'totalMs', 'gate']) expect(guide).toContain(`| \`${option}\``);
});
