import { expect, it } from 'vitest';
import { capabilitiesOf, modelTable } from '../../src/live/capabilities.js';

it.each([
  ['gemini-3.1-flash-live-preview', false],
  ['models/gemini-3.8-live-extended-thinking', true],
  ['gemini-2.5-flash-native-audio-preview-09-2025', true],
  ['gemini-2.0-flash-live-001', true],
  ['projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash', true],
])('%s is known: it goes on while a tool runs: %s', (model, nonBlocking) => {
  expect(capabilitiesOf(model)).toEqual({ nonBlocking, gatesAudio: true });
});

it('a model that nobody knows is treated with care', () => {
  expect(capabilitiesOf('whale-1')).toEqual({ nonBlocking: false, gatesAudio: true });
});

it('what the app says of its model counts more than the table', () => {
  expect(capabilitiesOf('gemini-3.1-flash-live', { nonBlocking: true })).toEqual({ nonBlocking: true, gatesAudio: true });
  expect(capabilitiesOf('gemini-3.1-flash-live', { gatesAudio: false })).toEqual({ nonBlocking: false, gatesAudio: false });
});

it('no row of the table hides behind an earlier one', () => {
  const names = ['gemini-3.1-flash-live', 'gemini-3.8-live', 'gemini-2.5-flash'];
  expect(names.map((name) => modelTable.findIndex(({ pattern }) => pattern.test(name)))).toEqual(modelTable.map((_, index) => index));
});
