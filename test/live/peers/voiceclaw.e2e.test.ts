/** What yagudaev/voiceclaw has met and asked for, and how it is here: rotation while tools run. @see gemini-protocol §2, PR #53 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../src/testing/gemini-server/steps.js';
import { calls, comeBack, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from '../talk.js';

afterEach(leaveNothing);

describe('voiceclaw: goAway mid-tool waits for a fresh handle', () => {
  const underWay: Step[] = [...setUp, { resumption: { handle: 'h1' } }, calls('slow'), { goAway: { timeLeftMs: 50_000 } }];

  it('that comes after the answer: then it leaves the old socket, and resumes with it', async () => {
    const server = await serve(
      [
        ...underWay,
        { awaitAnswers: ['call-slow'] },
        { resumption: { handle: null } },
        { say: 'done' },
        { resumption: { handle: 'h2' } },
        { expectClose: { code: 1000 } },
        ...setUpAgain('h2'),
        { expect: 'clientContent' },
      ],
      { handles: 'known' },
    );
    const slow = latch<object>();
    const { fact, session, clock } = start(server.url, { slow: tool(() => slow.opened) });
    expect(await fact('session.goAway')).toEqual({ type: 'session.goAway', timeLeftMs: 50_000 });
    clock.advanceBy(20_000);
    expect(session.ref.getSnapshot().matches({ open: { connection: { online: 'ready' }, rotation: 'announced' } }), 'the tool runs').toBe(true);
    slow.open({});
    await fact('session.ready', ({ resumed }) => resumed);
    session.sendText('fence');
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers(), 'the handle stands for the answer').toHaveLength(1);
  });

  it('up to a margin before the end; then it leaves without one, and the answer goes to the new socket', async () => {
    const server = await serve([...underWay, { expectClose: { code: 1000 } }, ...setUpAgain('h1'), { awaitAnswers: ['call-slow'] }], {
      handles: 'known',
    });
    const slow = latch<object>();
    const { fact, clock, inState } = start(server.url, { slow: tool(() => slow.opened, { timeoutMs: 300_000 }) }, { rotationMarginMs: 10_000 });
    await fact('session.goAway');
    clock.advanceBy(39_999);
    await inState('connection', 'online.ready');
    clock.advanceBy(1);
    await inState('connection', 'online.rotating');
    await fact('session.ready', ({ resumed }) => resumed);
    slow.open({ at: 'last' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-slow', name: 'slow', response: { at: 'last' } }]);
    await fact('tool.answered');
  });

  it('a turn that is under way is waited for, too', async () => {
    const server = await serve([...setUp, { say: 'I', turnComplete: false }, { resumption: { handle: 'h1' } }, { goAway: { timeLeftMs: 50_000 } }]);
    const { fact, inState } = start(server.url);
    await fact('session.goAway');
    await inState('connection', 'online.ready.generating');
    const rest = server.play([{ say: 'am done' }, { resumption: { handle: 'h2' } }, { expectClose: { code: 1000 } }, ...setUpAgain('h2')]);
    await fact('session.ready', ({ resumed }) => resumed);
    expect(await rest).toEqual({ ok: true });
  });
});

it('voiceclaw: a close with 1011 is not tried again blindly, but within a budget and with growing delays', async () => {
  const script: Step[] = [...setUp, { resumption: { handle: 'h1' } }];
  for (let n = 0; n < 3; n++) script.push({ close: { code: 1011, reason: 'quota' } }, ...setUpAgain('h1'));
  script.push({ close: { code: 1011, reason: 'quota' } });
  const server = await serve(script);
  const talk = start(server.url, {}, { reconnect: { intensity: 3, periodMs: 60_000, backoff: { minMs: 100, maxMs: 100, jitter: 0 } } });
  for (let nth = 1; nth <= 3; nth++) {
    await talk.factsOf('session.reconnecting', nth);
    talk.clock.advanceBy(100);
  }
  expect(await talk.session.ended()).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1011, reason: 'quota' } });
  expect(await server.outcome).toEqual({ ok: true });
});

it('voiceclaw: a handle that the server refuses is given up, and is not tried for ever', async () => {
  const server = await serve([
    ...setUp,
    { resumption: { handle: 'poisoned' } },
    { drop: true },
    ...Array.from({ length: 2 }, () => [
      { accept: { handle: 'poisoned' } },
      { expect: 'setup' as const },
      { close: { code: 1011, reason: 'Internal error' } },
    ]).flat(),
    ...setUpAgain(null),
    { resumption: { handle: 'fresh' } },
    { drop: true },
    ...setUpAgain('fresh'),
  ]);
  const talk = start(server.url);
  for (let nth = 1; nth <= 2; nth++) {
    const lost = await talk.factsOf('session.reconnecting', nth);
    talk.clock.advanceBy(lost[nth - 1]?.delayMs ?? 0);
  }
  expect(await talk.fact('session.contextLost')).toMatchObject({ code: 1011 });
  expect(await comeBack(talk, 3)).toMatchObject({ resumed: true });
  expect(await server.outcome).toEqual({ ok: true });
});
