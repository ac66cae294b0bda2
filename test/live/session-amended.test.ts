/** What the app replaces of the setup while a conversation goes on: later sockets have it, and the tools are waited for as they are declared now. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const handle = (newHandle: string) => ({ sessionResumptionUpdate: { newHandle, resumable: true } });
/** One that is ready and has a handle. */
const world = (options: WorldOptions = {}): SessionWorld => {
  const w = sessionWorld({ ready: true, ...options });
  w.message(handle('h1'));
  return w;
};

describe('a setup that the app has amended', () => {
  const setupsAsked = (w: SessionWorld) => w.sockets.map(({ heard }) => (heard[0] as { message?: { setup?: object } }).message?.setup);
  const systemInstruction = { parts: [{ text: 'be brief' }] };
  const tools = [{ googleSearch: {} }];

  it('is that of the next socket, too', () => {
    const w = world();
    w.session.send({ type: 'setup.amended', update: { systemInstruction, tools: { tools } } });
    w.message(handle('h2'));
    w.message({ goAway: { timeLeft: '50s' } });
    w.closed(1000);
    w.opened();
    w.message({ setupComplete: {} });
    expect(setupsAsked(w)[1]).toEqual({ ...setupsAsked(w)[0], systemInstruction, tools, sessionResumption: { handle: 'h2' } });
  });
});

it('what is null in an update is absent: it replaces nothing', () => {
  const w = world({ input: { setup: { model: 'models/m', systemInstruction: { parts: [] } } } });
  w.session.send({ type: 'setup.amended', update: { systemInstruction: null, labels: { a: 'b' } } });
  expect(w.session.getSnapshot().context.setup).toEqual({ model: 'models/m', systemInstruction: { parts: [] }, labels: { a: 'b' } });
});

describe('tools that the app has replaced', () => {
  const tools = [{ functionDeclarations: [{ name: 'tool-free', behavior: 'NON_BLOCKING' }, { name: 'tool-later' }] }];
  const blocking = (w: SessionWorld) => w.session.getSnapshot().context.calls.rows.map((row) => row.blocking);

  it('are waited for as they are declared now', () => {
    const w = world({ input: { gatesAudio: true } });
    w.call('later');
    w.session.send({ type: 'setup.amended', update: { tools: { tools } } });
    w.call('free');
    w.settle('later');
    w.message({ toolCall: { functionCalls: [{ id: 'again', name: 'tool-later', args: {} }] } });
    expect([blocking(w), w.region('microphone')]).toEqual([[false, false, true], 'gated']);
  });

  it('are all waited for by a model that cannot go on', () => {
    const w = world({ input: { goesOn: false, nonBlocking: [] } });
    w.session.send({ type: 'setup.amended', update: { tools: { tools } } });
    w.call('free');
    expect(blocking(w)).toEqual([true]);
  });
});
