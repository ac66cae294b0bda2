/** The guide to Live sessions is true: its first program and the examples run against the built package, and its page of states has them all. */
import { describe, expect, it } from 'vitest';
import type { AnyStateNode } from 'xstate';
import { sessionMachine } from '../../machines/live/session.js';
import { toolCallMachine } from '../../machines/live/tool-call.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { guidePrograms } from '../browser/guide-programs.js';

const { guide, blocks, examples, run, printedBy } = guidePrograms('live', 'live', 2);

describe('the guide to Live sessions', { timeout: 60_000 }, () => {
  it('begins with ten lines that work', async () => {
    expect(guide.indexOf('```ts')).toBeLessThan(600);
    expect(blocks[0]?.trimEnd().split('\n')).toHaveLength(10);
    await using server = await geminiServer({
      key: 'a-key',
      deadlineMs: 20_000,
      script: [
        { expect: 'setup' },
        { send: { setupComplete: {} } },
        { expect: 'realtimeInput' },
        { callTools: [{ id: '1', name: 'weather', args: { city: 'Oslo' } }] },
        { awaitAnswers: ['1'] },
        { send: { serverContent: { outputTranscription: { text: 'Light rain' } } } },
        { say: ', 12 °C' },
        { expectClose: { code: 1000 } },
      ],
    });
    expect(await run('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toBe('Light rain, 12 °C');
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toMatchObject([{ id: '1', response: { sky: 'light rain', celsius: 12 } }]);
  });

  it('has a row for every state of a session and of a call, and none for a state that there is not', () => {
    const page = /^## Every state[\s\S]*?(?=^## )/m.exec(guide)?.[0] ?? '';
    const rows = [...page.matchAll(/^\| `([\w.]+)` \|/gm)].map((match) => match[1] ?? '');
    const states = [...leavesOf(sessionMachine.root), ...leavesOf(toolCallMachine.root).map((state) => `call.${state}`)];
    expect(rows.sort()).toEqual(states.sort());
  });

  it('says how to ask for a state within a socket', async () => {
    expect(blocks[1]).toContain('online');
    expect(await run('block1.js')).toBe('true\nfalse\n');
  });
});

/** The names of a chart's last states, as the guide writes them: `ready.idle`, `rotation.steady`; the way to a socket is left out. */
function leavesOf(state: AnyStateNode): string[] {
  const children = Object.values(state.states);
  return children.length > 0 ? children.flatMap(leavesOf) : [state.path.join('.').replace(/^open\.(?:connection\.(?:online\.)?)?/, '')];
}

describe('the examples', { timeout: 60_000 }, () => {
  it.each([
    [
      'conversation.js',
      [
        'weather is called with {"city":"Oslo"}',
        'time is called with {"city":"Oslo"}',
        'weather is answered with {"sky":"light rain","celsius":12}',
        'time is answered with {"output":"14:05"}',
        'It is 14:05 in Oslo, ',
        '12 °C with light rain.',
        'closed in order',
      ],
    ],
    [
      'callbacks.js',
      ['open', 'this socket ends in 10000 ms', 'open again, resumed', 'It is on its way.', 'closed: 1000', 'the server saw the whole of it'],
    ],
  ])('%s prints what it promises', async (name, lines) => {
    const printed = await printedBy(name);
    expect([...printed].sort()).toEqual([...lines].sort());
    expect(printed.at(-1)).toBe(lines.at(-1));
  });

  it('are all run', () => {
    expect(examples).toEqual(['callbacks.ts', 'conversation.ts']);
  });
});
