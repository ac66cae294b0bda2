/** What `espalier gemini-server` answers over HTTP where no file says it. */
import type { HttpRule } from '../../testing/gemini-server/http/rules.js';

function chunk(text: string, finishReason?: string): Record<string, unknown> {
  const end = finishReason === undefined ? {} : { finishReason };
  return { candidates: [{ content: { parts: [{ text }], role: 'model' }, ...end, index: 0 }], modelVersion: 'local' };
}

/** A sentence about the weather, whole, streamed, and as an interaction; as often as it is asked for. */
export const weatherRules: readonly HttpRule[] = [
  { on: 'generateContent', times: 'always', answer: [{ json: chunk('It is 12 °C in Oslo, with light rain.', 'STOP') }] },
  { on: 'streamGenerateContent', times: 'always', answer: [{ events: [chunk('It is 12 °C in Oslo, '), chunk('with light rain.', 'STOP')] }] },
  { on: 'interactions.create', times: 'always', interaction: { eventIds: true, steps: [{ text: ['It is 12 °C in Oslo, ', 'with light rain.'] }] } },
];
