/** A conversation as rows, and as a picture. */
import { describe, expect, it } from 'vitest';

import { sequenceSvg } from '../../../src/recording/exports/sequence-svg.js';
import { missingWords, pauseWords, sequenceOf } from '../../../src/recording/exports/sequence.js';
import { unclosed } from '../../charts/xml.js';
import { keptRecording } from '../../inspector/adapters/lines-of.js';
import { small, started } from '../../inspector/adapters/small.js';

describe('a conversation as a picture', () => {
  it('has a lane for each actor, an arrow for each message, and a mark for each start, restart, end and crash', () => {
    const sequence = sequenceOf(small);
    const svg = sequenceSvg(sequence, { title: 'small' });
    expect(unclosed(svg)).toEqual([]);
    expect(svg.match(/class="name"/gu)).toHaveLength(4);
    expect(svg.match(/class="message(?: dead)?"/gu)).toHaveLength(sequence.rows.filter(({ kind }) => kind === 'message').length);
    expect(svg).toContain('<title>house → house/door: push: nobody reads it</title>');
    expect(svg).toContain('✕ crash door');
    expect(svg).toContain('↻ restart door#2');
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|<image|href=|url\(/u);
  });

  it('holds every word within its width, whatever actors are called, and is the same each time', () => {
    const odd = '<b>"&'.repeat(30);
    const svg = sequenceSvg(
      sequenceOf([started(1, 0, odd), { type: '@xstate.event', seq: 2, at: 0, actor: odd, source: null, event: { type: odd } }]),
      {
        title: odd,
      },
    );
    expect(unclosed(svg)).toEqual([]);
    expect(svg).not.toContain('<b>');
    for (const [, words = ''] of svg.matchAll(/<text class="words"[^>]*>([^<]*)</gu))
      expect(words.replaceAll(/&\w+;|&#\d+;/gu, 'x').length).toBeLessThan(30);
    const { lines } = keptRecording('crashing-tree');
    expect(sequenceSvg(sequenceOf(lines), { title: 'a' })).toBe(sequenceSvg(sequenceOf(lines), { title: 'a' }));
  });

  it('shows the last thousand rows, and says how many came before', () => {
    const lines = Array.from({ length: 1_200 }, (_, at) => ({ ...started(at + 1, at, `a${at % 3}`), from: 'input' as const }));
    expect(sequenceSvg(sequenceOf(lines), { title: 'many' })).toContain('200 earlier rows are left out');
  });

  it.each([
    [1_540, '1.5 s idle'],
    [125_000, '2 m 5 s idle'],
  ])('tells a pause of %s ms in words', (ms, words) => expect(pauseWords(ms)).toBe(words));

  it.each([
    [0, 'nothing is known of before: nobody watched'],
    [1, '1 line left out: nobody watched'],
    [1_200, '1,200 lines left out: nobody watched'],
  ])('says of %s lines that are not there what is missing', (count, words) =>
    expect(missingWords({ kind: 'missing', index: 0, count, why: 'nobody watched' })).toBe(words),
  );
});
