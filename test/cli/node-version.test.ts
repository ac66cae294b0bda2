import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isSupported, wantedNode } from '../../src/cli/node-version.js';

it('the command asks for the Node that package.json asks for', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } };
  expect(wantedNode).toBe(manifest.engines.node);
});

it.each([
  ['20.19.0', true],
  ['20.18.3', false],
  ['18.20.0', false],
  ['21.7.0', false],
  ['22.12.0', false],
  ['22.13.0', true],
  ['23.1.0', false],
  ['24.0.0', true],
  ['26.1.0', true],
])('Node %s: %s', (version, supported) => {
  expect(isSupported(version)).toBe(supported);
});
