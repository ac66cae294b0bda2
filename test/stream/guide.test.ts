/** The guide to streams is true: its programs and the examples run against the built package, and its table has every kind of failure. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { guidePrograms, root } from '../browser/guide-programs.js';

const { guide, examples, printedBy } = guidePrograms('streams', 'stream');

describe('the guide to streams', { timeout: 60_000 }, () => {
  it('begins with a program that works', async () => {
    const said = (text: string, finishReason?: string): Record<string, unknown> => ({
      candidates: [{ content: { parts: [{ text }] }, finishReason }],
    });
    await using server = await geminiServer({
      key: 'a-key',
      http: [{ on: 'streamGenerateContent', answer: [{ events: [said('Light rain'), said(', 12 °C', 'STOP')], chunkBytes: 7 }] }],
    });
    expect(await printedBy('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Light rain, 12 °C', 'STOP']);
  });

  it('shows a stream of events that is as it says', async () => {
    const [tea, ...outcome] = await printedBy('block1.js');
    expect(tea).toBe('4');
    expect(outcome.join(' ').replaceAll(/\s+/g, ' ')).toBe("{ ok: true, summary: { status: 200, eventCount: 1, lastEventId: '7', retryMs: null } }");
  });

  it('has a row for every kind of failure', () => {
    const page = /^## How a stream ends[\s\S]*?(?=^## A gen)/m.exec(guide)?.[0] ?? '';
    const rows = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap((match) => [...(match[1] ?? '').matchAll(/\w+/g)].map(String));
    const source = readFileSync(join(root, 'machines/stream/outcome.ts'), 'utf8');
    const union = /readonly kind:([\s\S]*?);/.exec(source)?.[1] ?? '';
    const kinds = [...union.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '');
    expect(rows.filter((kind) => kind !== 'kind').sort()).toEqual([...kinds, 'cancelled'].sort());
  });
});

describe('the examples', { timeout: 60_000 }, () => {
  it.each([
    ['generation.js', ['Let me ', 'look. ', 'calls weather with {"city":"Oslo"}', '12 °C, light rain.', 'the server saw the whole of it']],
    ['feed.js', ['tea costs 4', 'failed: truncated', 'tea costs 5', 'completed']],
  ])('%s prints what it promises', async (name, lines) => {
    expect(await printedBy(name)).toEqual(lines);
  });

  it('are all run', () => {
    expect(examples).toEqual(['feed.ts', 'generation.ts']);
  });
});
