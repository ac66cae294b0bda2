import { expect, it } from 'vitest';

import { parseClientMessage, toolResponse } from '../../src/wire/gemini/live.js';

const answer = { id: 'a', name: 'n', response: { output: 1 }, scheduling: 'SILENT', willContinue: true, parts: [{ inlineData: { data: 'AA==' } }] };

it('an answer has its scheduling beside the response, or inside it', () => {
  expect(toolResponse([answer])).toEqual({ toolResponse: { functionResponses: [answer] } });
  const { scheduling, ...rest } = answer;
  expect(toolResponse([answer], 'inside')).toEqual({
    toolResponse: { functionResponses: [{ ...rest, response: { output: 1, scheduling } }] },
  });
  expect(answer.response).toEqual({ output: 1 });
});

it('an answer without scheduling is the same in both places', () => {
  const plain = { id: 'a', name: 'n', response: {} };
  expect(toolResponse([plain], 'inside')).toEqual(toolResponse([plain]));
});

it.each([
  [
    { scheduling: 'mine', n: 1 },
    { output: { scheduling: 'mine', n: 1 }, scheduling: 'INTERRUPT' },
  ],
  [
    { scheduling: 'mine', error: 'e' },
    { error: { scheduling: 'mine', error: 'e' }, scheduling: 'INTERRUPT' },
  ],
])('a result with a scheduling of its own, %j, keeps it', (response, expected) => {
  const message = toolResponse([{ id: 'a', name: 'n', response, scheduling: 'INTERRUPT' }], 'inside');
  expect(message.toolResponse?.functionResponses[0]?.response).toEqual(expected);
});

it('is what a server reads', () => {
  for (const place of ['sibling', 'inside'] as const) {
    const message = toolResponse([answer], place);
    expect(parseClientMessage(JSON.stringify(message))).toMatchObject({ ok: true, message, faults: [] });
  }
});
