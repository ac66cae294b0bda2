/** The guide to interactions is true: its programs and the example run against the built package. */
import { describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { guidePrograms } from '../browser/guide-programs.js';

const { examples, printedBy } = guidePrograms('interactions', 'interactions');

describe('the guide to interactions', { timeout: 60_000 }, () => {
  it('begins with a program that works', async () => {
    await using server = await geminiServer({
      key: 'a-key',
      http: [{ on: 'interactions.create', interaction: { steps: [{ thought: 'c2ln' }, { text: ['Light rain', ', 12 °C'] }] } }],
    });
    expect(await printedBy('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Light rain, 12 °C', 'completed']);
  });

  it('waits until tea is ready', async () => {
    expect(await printedBy('block1.js')).toEqual(['in_progress', 'completed', 'Ready']);
  });

  it('has an example that goes on over broken connections, and answers a call', async () => {
    expect(examples).toEqual(['resumed.ts']);
    const printed = await printedBy('resumed.js');
    expect(printed.filter((line) => !line.endsWith(': resume'))).toEqual([
      'Let me ',
      'look. ',
      'calls weather with {"city":"Oslo"}',
      '12 °C, light rain.',
    ]);
    expect(printed.filter((line) => line.endsWith(': resume'))).toHaveLength(2);
  });
});
