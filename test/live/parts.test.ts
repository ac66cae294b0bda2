/** Answers in parts, and answers that nobody asked for, to a peer that reads nothing: bounded, held back, refused, and told. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import type { AnswerOutcome, LiveSession } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import type { LiveTool } from '../../src/live/tool-plan.js';
import { uplinkOf } from '../../src/live/uplink-actor.js';
import { Platform, readySession } from './platform.js';

const sessions: LiveSession[] = [];
afterEach(() => {
  for (const { ref } of sessions.splice(0)) ref.stop();
});

/** Every promise that is ready has settled. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const later = (execute?: LiveTool['execute']): LiveTool => ({
  description: 't',
  behavior: 'NON_BLOCKING',
  ...(execute === undefined ? {} : { execute }),
});

/** A session with these tools, ready, and what it tells. */
function world(tools: Record<string, LiveTool>, options: Partial<LiveSessionOptions> = {}) {
  const platform = new Platform();
  const { session, clock } = readySession(platform, { model: 'gemini-3.8-live', tools, ...options });
  sessions.push(session);
  const facts: SessionEmitted[] = [];
  session.ref.on('*', (fact) => facts.push(fact));
  const call = (...names: string[]) => platform.say({ toolCall: { functionCalls: names.map((name) => ({ id: `c-${name}`, name, args: {} })) } });
  const answers = () =>
    platform.sent.flatMap(({ toolResponse }) => (toolResponse as { functionResponses: object[] } | undefined)?.functionResponses ?? []);
  const told = (type: SessionEmitted['type']) => facts.filter((fact) => fact.type === type);
  const depth = () => uplinkOf(session.ref)?.depth;
  return { platform, session, clock, call, answers, told, depth };
}

/** A generator of parts, and what has become of it. */
function parts(count: number, bytes: number) {
  const is = { pulled: 0, hasEnded: false };
  async function* execute() {
    try {
      for (; is.pulled < count; is.pulled++) yield { at: is.pulled, filler: '.'.repeat(bytes) };
      return { all: count };
    } finally {
      is.hasEnded = true;
    }
  }
  return { is, tool: later(execute) };
}

describe('a generator whose peer reads nothing', () => {
  it('is asked for no more while a part cannot be written', async () => {
    const { is, tool } = parts(1_500, 100_000);
    const w = world({ t: tool });
    w.platform.stall();
    w.call('t');
    await settled();
    expect(is.pulled, 'what a socket holds, 1 MiB, and one part that waits').toBe(11);
    expect(w.depth()).toBe(1);
    w.clock.advanceBy(5_000);
    await settled();
    expect([is.pulled, w.depth()]).toEqual([11, 1]);
  });

  it('goes on once it reads, and none is lost', async () => {
    const { is, tool } = parts(40, 100_000);
    const w = world({ t: tool });
    w.platform.stall();
    w.call('t');
    await settled();
    expect(is.pulled).toBe(11);
    w.platform.flow();
    await settled();
    expect(w.answers().map((answer) => (answer as { response: { at?: number } }).response.at)).toEqual([...Array(40).keys(), undefined]);
    expect([w.told('tool.answered').length, w.told('tool.rejected')]).toEqual([1, []]);
  });

  it('goes on over the next socket', async () => {
    const { tool } = parts(3, 1);
    const w = world({ t: tool }, { uplink: { highWaterBytes: 1 } });
    w.platform.stall();
    w.platform.say({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
    w.call('t');
    await settled();
    w.platform.ended(1006);
    w.clock.advanceBy(10_000);
    w.platform.setUp();
    await settled();
    expect(w.told('tool.answered')).toHaveLength(1);
    expect(w.answers().at(-1)).toMatchObject({ response: { all: 3 } });
  });

  it.each<[string, (w: ReturnType<typeof world>) => void]>([
    ['its call is cancelled', ({ platform }) => platform.say({ toolCallCancellation: { ids: ['c-t'] } })],
    ['its deadline passes', ({ clock }) => clock.advanceBy(30_000)],
    ['somebody else answers', ({ session }) => void session.sendToolResponse({ id: 'c-t', response: {} })],
    ['the session is closed', ({ session }) => void session.close()],
    ['the session fails', ({ platform }) => platform.ended(1008, 'policy')],
    ['the session is stopped', ({ session }) => session.ref.stop()],
  ])('is let go when %s', async (_, happen) => {
    const { is, tool } = parts(1_500, 100_000);
    const w = world({ t: tool });
    w.platform.stall();
    w.call('t');
    await settled();
    expect(is.hasEnded).toBe(false);
    happen(w);
    await settled();
    expect([is.hasEnded, is.pulled]).toEqual([true, 11]);
  });

  it('waits for room beside others, and none of their parts is refused', async () => {
    const all = ['a', 'b', 'c'].map((name) => [name, parts(4, 100_000)] as const);
    const w = world(Object.fromEntries(all.map(([name, { tool }]) => [name, tool])), { uplink: { maxContent: 1, highWaterBytes: 1 } });
    w.platform.stall();
    w.call('a', 'b', 'c');
    await settled();
    expect(w.depth()).toBe(1);
    w.platform.flow();
    await settled();
    expect([w.told('tool.answered').length, w.told('tool.progressed').length, w.told('tool.rejected')]).toEqual([3, 12, []]);
  });
});

describe('answers by hand', () => {
  const count = (outcomes: readonly AnswerOutcome[], what: string) =>
    outcomes.filter((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome.status) === what).length;
  const unasked = (n: number) => ({ id: `old-${n}`, response: { n }, unsolicited: 't' });

  it('are sent where the socket took them at once, and queued where they wait', () => {
    const w = world({ a: later(), b: later() });
    w.call('a', 'b');
    expect(w.session.sendToolResponse({ id: 'c-a', response: {}, willContinue: true })).toEqual([{ id: 'c-a', status: 'sent' }]);
    w.platform.stall();
    expect(w.session.sendToolResponse({ id: 'c-a', response: {} }), 'not written yet, but with the socket').toEqual([{ id: 'c-a', status: 'sent' }]);
    expect(w.session.sendToolResponse(unasked(1))).toEqual([{ id: 'old-1', status: 'sent' }]);
    w.session.sendText('.'.repeat(2_000_000));
    expect(w.session.sendToolResponse({ id: 'c-b', response: {} })).toEqual([{ id: 'c-b', status: 'queued' }]);
    expect(w.told('tool.answered')).toEqual([]);
    w.platform.flow();
    expect(w.told('tool.answered')).toMatchObject([{ id: 'c-a' }, { id: 'c-b' }, { id: 'old-1' }]);
  });

  it('that nobody asked for are refused beyond the bound, and written once there is a socket', () => {
    const w = world({});
    w.platform.say({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
    w.platform.ended(1006);
    const outcomes = Array.from({ length: 5_000 }, (_, n) => w.session.sendToolResponse(unasked(n))).flat();
    expect([count(outcomes, 'queued'), count(outcomes, 'full'), w.depth()]).toEqual([64, 4_936, 64]);
    expect(w.told('tool.rejected'), 'it was said at once').toEqual([]);
    w.clock.advanceBy(10_000);
    w.platform.setUp();
    expect(w.answers()).toHaveLength(64);
  });

  it('that are too many in the session’s own turn are told by a fact', () => {
    const w = world({});
    w.session.on('session.reconnecting', () => {
      const outcomes = Array.from({ length: 100 }, (_, n) => w.session.sendToolResponse(unasked(n))).flat();
      expect(count(outcomes, 'queued')).toBe(100);
    });
    w.platform.ended(1006);
    expect(w.told('tool.rejected')).toEqual(Array.from({ length: 36 }, (_, n) => ({ type: 'tool.rejected', id: `old-${n + 64}`, reason: 'full' })));
  });

  it('in parts are refused beyond the bound; the last answer never', () => {
    const w = world({ t: later() });
    w.call('t');
    w.platform.ended(1006);
    const outcomes = Array.from({ length: 100 }, () => w.session.sendToolResponse({ id: 'c-t', response: {}, willContinue: true })).flat();
    expect([count(outcomes, 'queued'), count(outcomes, 'full')]).toEqual([64, 36]);
    expect(w.session.sendToolResponse({ id: 'c-t', response: {} })).toEqual([{ id: 'c-t', status: 'queued' }]);
    expect(w.depth()).toBe(65);
  });

  it('in parts are bounded in bytes, too', () => {
    const w = world({ t: later() }, { uplink: { maxBytes: 1_000 } });
    w.call('t');
    w.platform.ended(1006);
    const part = (bytes: number) => w.session.sendToolResponse({ id: 'c-t', response: { filler: '.'.repeat(bytes) }, willContinue: true })[0];
    expect([part(2_000), part(1)].map((outcome) => outcome?.status)).toEqual(['queued', 'rejected']);
  });

  it('in parts are refused for a call that the model waits for', () => {
    const w = world({ t: { description: 't' } });
    w.call('t');
    const outcomes = w.session.sendToolResponse({ id: 'c-t', response: {}, willContinue: true });
    expect(outcomes).toEqual([{ id: 'c-t', status: 'rejected', reason: 'blocking' }]);
  });

  it('that nobody asked for, and that the end of the session finds waiting, are told', async () => {
    const w = world({});
    w.platform.ended(1006);
    for (let n = 0; n < 3; n++) w.session.sendToolResponse(unasked(n));
    await w.session.close();
    expect(w.told('tool.abandoned')).toEqual([0, 1, 2].map((n) => ({ type: 'tool.abandoned', id: `old-${n}`, name: 't', reason: 'closed' })));
    expect(w.told('session.dropped'), 'each is told once').toEqual([]);
  });

  it('may come in the form of @google/genai', () => {
    const w = world({ a: later(), b: later() });
    w.call('a', 'b');
    const response = { at: 1 };
    expect(w.session.sendToolResponse({ functionResponses: [{ id: 'c-a', response }] })).toEqual([{ id: 'c-a', status: 'sent' }]);
    expect(w.session.sendToolResponse({ functionResponses: { id: 'c-b', response } })).toEqual([{ id: 'c-b', status: 'sent' }]);
    expect(w.answers()).toEqual(['a', 'b'].map((name) => ({ id: `c-${name}`, name, response })));
    expect(() => w.session.sendToolResponse({ functionResponses: [{ response }] } as never)).toThrow('{ id, response }');
  });
});

it('an answer has its scheduling where the option says', () => {
  const w = world({ t: later() }, { schedulingPlace: 'inside' });
  w.call('t');
  w.session.sendToolResponse({ id: 'c-t', response: { at: 1 }, scheduling: 'SILENT' });
  expect(w.answers()).toEqual([{ id: 'c-t', name: 't', response: { at: 1, scheduling: 'SILENT' } }]);
});
