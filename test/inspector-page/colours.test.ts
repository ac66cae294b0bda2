/** Colours by day and by night: whatever is written can be read on whatever is behind it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contrast } from '../charts/contrast.js';

const css = readFileSync(join(import.meta.dirname, '../../visualizations/inspector/style/a-base.css'), 'utf8');

/** The custom properties of a rule, by its selector. */
function palette(selector: string): ReadonlyMap<string, string> {
  const at = css.indexOf(selector);
  const body = css.slice(css.indexOf('{', at) + 1, css.indexOf('}', at));
  return new Map([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]));
}

const plain = ['paper', 'panel', 'raised', 'hover', 'glow'].flatMap((back) => ['ink', 'faint', 'accent'].map((text) => [text, back] as const));
const moods = ['running', 'backoff', 'failed', 'ended'].flatMap((mood) => [
  [mood, `${mood}-glow`] as const,
  ...['paper', 'panel', 'glow', 'hover'].map((back) => [mood, back] as const),
]);

describe.each([
  ['light', "[data-theme='light'] {"],
  ['dark', "[data-theme='dark'] {"],
])('in the %s', (_, selector) => {
  const colours = palette(selector);

  it.each([...plain, ...moods, ['on-accent', 'accent'] as const])('%s is read on %s', (text, back) => {
    expect(contrast(colours.get(text) ?? '', colours.get(back) ?? '')).toBeGreaterThanOrEqual(4.5);
  });
});

it('the dark of the system and the dark that was chosen are one', () => {
  expect([...palette("[data-theme='auto'] {")]).toEqual([...palette("[data-theme='dark'] {")]);
});
