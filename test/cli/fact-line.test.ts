import { describe, expect, it } from 'vitest';
import { drawReport } from '../../src/cli/screen/draw-report.js';
import { factLine } from '../../src/cli/screen/fact-line.js';
import { paint } from '../../src/cli/screen/spans.js';

/** What a person reads of a fact, without when. */
function words(fact: { type: string; [field: string]: unknown }, from = 'app/voice'): string | null {
  const line = factLine({ ...fact, from, atMs: 1_234 });
  return line === null
    ? null
    : paint(line, false)
        .replace(/^ {2}1\.23 s {2}/, '')
        .replace(/ {2,}/, ' · ');
}

describe('a fact as a line', () => {
  it.each([
    [{ type: 'said', by: 'user', text: 'Hello' }, 'you · Hello'],
    [{ type: 'said', by: 'model', text: 'Hi' }, 'model · Hi'],
    [{ type: 'turn.ended', interrupted: true }, 'model · (interrupted)'],
    [{ type: 'turn.ended', interrupted: false }, null],
    [{ type: 'session.ready', resumed: false }, 'voice · ready'],
    [{ type: 'session.ready', resumed: true }, 'voice · ready again: the conversation goes on'],
    [{ type: 'session.reconnecting', code: 1011, reason: 'quota', delayMs: 250 }, 'voice · lost its connection (1011, quota): again in 250 ms'],
    [{ type: 'session.reconnecting', code: 1006, reason: '', delayMs: 1_500 }, 'voice · lost its connection (1006): again in 1.50 s'],
    [
      { type: 'session.contextLost', code: 1008, reason: 'no such session' },
      'voice · could not resume (1008, no such session): a fresh conversation has begun',
    ],
    [{ type: 'tool.resent', name: 'weather' }, 'weather · its answer is sent again, over the new connection'],
    [{ type: 'tool.abandoned', name: 'weather', reason: 'contextLost' }, 'weather · abandoned: contextLost'],
    [{ type: 'session.failed', kind: 'connectionLost', code: 1006, reason: '' }, 'voice · failed: connectionLost, 1006'],
    [{ type: 'session.closed', by: 'client', code: 1000 }, 'voice · closed by us (1000)'],
    [{ type: 'tool.called', name: 'weather', args: { city: 'Oslo' } }, 'weather · called with {"city":"Oslo"}'],
    [{ type: 'tool.answered', name: 'weather', response: { celsius: 12 } }, 'weather · answered {"celsius":12}'],
    [{ type: 'tool.answered', name: 'weather', response: { error: 'no' } }, 'weather · failed; answered with {"error":"no"}'],
    [{ type: 'tool.cancelled', name: 'weather' }, 'weather · cancelled by the server: not answered'],
    [{ type: 'child.started', id: 'prices', run: 1 }, 'prices · started'],
    [{ type: 'child.started', id: 'prices', run: 2 }, null],
    [{ type: 'child.exited', id: 'prices', reason: { crash: new Error('lost') }, willRestart: true }, 'prices · crash: lost; will be restarted'],
    [{ type: 'child.restarted', id: 'prices', attempt: 2 }, 'prices · restarted (attempt 2)'],
    [{ type: 'child.stopped', id: 'voice', reason: 'shutdown', tookMs: 1_230, killed: false }, 'voice · stopped: shutdown, in 1.23 s'],
    [{ type: 'child.stopped', id: 'voice', reason: 'killed', tookMs: 200, killed: true }, 'voice · killed: did not end within 200 ms'],
    [
      { type: 'child.startFailed', id: 'voice', reason: ['shutdown', ['failedToStartChild', 'x', { kind: 'connectFailed', reason: 'refused' }]] },
      'voice · could not start: connectFailed: refused',
    ],
    [{ type: 'supervisor.gaveUp', id: 'prices', reason: 'killed' }, 'voice · gives up: too many restarts of prices'],
    [{ type: 'script.ended', connection: null, outcome: { ok: true } }, 'voice · the script is over: further clients are refused'],
    [{ type: 'script.ended', connection: 2, outcome: { ok: true } }, null],
    [
      { type: 'script.ended', connection: 2, outcome: { ok: false, step: 3, reason: "expect: no 'setup'" } },
      "client 2 · the script failed at step 3, expect: no 'setup'",
    ],
    [
      { type: 'script.ended', connection: null, outcome: { ok: false, step: 3, reason: "expect: no 'setup'" } },
      "voice · the script failed at step 3, expect: no 'setup'; further clients are refused",
    ],
    [{ type: 'client.refused', reason: 'the script is over' }, 'voice · a client was refused: the script is over'],
    [{ type: 'frame' }, null],
  ])('%j reads %j', (fact, expected) => {
    expect(words(fact)).toBe(expected);
  });

  it('shows no more of a call than fits', () => {
    expect(words({ type: 'tool.called', name: 'f', args: { text: 'x'.repeat(500) } })).toMatch(/^f · called with \{"text":"x{90}…$/);
  });
});

describe('the drawing of an exit report', () => {
  it('tells who ended how, in which order, how long each took, and who had to be killed', () => {
    const report = {
      id: 'app',
      reason: 'normal',
      tookMs: 210.4,
      children: [
        { id: 'tasks', reason: 'shutdown', tookMs: 200, killed: false, children: [{ id: 'archive', reason: 'killed', tookMs: 199.9, killed: true }] },
        { id: 'voice', reason: ['shutdown', 'idle'], tookMs: 3, killed: false },
        { id: 'gemini', reason: { crash: new Error('lost') }, tookMs: 0, killed: false },
      ],
      killed: ['tasks/archive'],
      orphans: [],
    } as const;
    expect(drawReport(report).map((line) => paint(line, false))).toEqual([
      'exit report: app ended normal in 210 ms',
      'actor            took  ended, in this order',
      'tasks/archive  200 ms  killed: it did not end in time',
      'tasks          200 ms  shutdown',
      'voice            3 ms  shutdown (idle)',
      'gemini           0 ms  crash: lost',
      'killed: tasks/archive · left behind: none',
    ]);
  });
});
