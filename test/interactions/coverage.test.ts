/** Whether an answer holds what events have told before it. */
import { describe, expect, it } from 'vitest';
import { covers } from '../../src/interactions/coverage.js';
import type { InteractionStep } from '../../src/wire/gemini/interactions.js';

const said = (...content: object[]): InteractionStep => ({ type: 'model_output', content });
const audio = { type: 'audio', mime_type: 'audio/pcm', data: 'AAAA' };
const image = { type: 'image', mime_type: 'image/png', data: 'AAAA' };
const holds = (told: readonly InteractionStep[], seen: readonly InteractionStep[]): boolean => covers(told, seen, { isFromStart: true, secrets: [] });

describe('an answer', () => {
  it('holds a medium that came in several pieces', () => {
    expect(holds([said(audio)], [said(audio, audio)])).toBe(true);
  });

  it('lacks a medium of which it has none', () => {
    expect(holds([said(image)], [said(audio, audio)])).toBe(false);
  });
});
