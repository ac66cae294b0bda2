/** A turn that the app has asked for, and a socket that is to be left before the model has begun it. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld } from './session-world.js';

afterEach(leaveNothing);

const goAway = { goAway: { timeLeft: '50s' } };
const handle = (newHandle: string) => ({ sessionResumptionUpdate: { newHandle, resumable: true } });
/** One that is ready and has a handle. */
const world = (): SessionWorld => {
  const w = sessionWorld({ ready: true });
  w.message(handle('h1'));
  return w;
};

describe('a goAway', () => {
  it.each([
    ['a turn of the app', { type: 'turn.requested', awaits: true }],
    ['a turn through the chart', { type: 'session.send', message: { clientContent: { turnComplete: true } } }],
    ['text', { type: 'session.send', message: { realtimeInput: { text: 'so' } } }],
    ['the end of speech', { type: 'session.send', message: { realtimeInput: { activityEnd: {} } } }],
  ] as const)('waits for the answer to %s: a handle may have crossed it on its way', (_, event) => {
    const w = world();
    w.session.send(event);
    w.session.send({ type: 'turn.requested', awaits: false });
    w.message(goAway);
    w.message(handle('crossed'));
    expect(w.state()).toBe('ready.idle');
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { turnComplete: true } });
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['is over', [{ serverContent: { turnComplete: true } }]],
    ['is interrupted', [{ serverContent: { interrupted: true } }, { serverContent: { turnComplete: true } }]],
    ['called, and is interrupted', [{ toolCallCancellation: { ids: ['a'] } }, { serverContent: { turnComplete: true } }]],
  ] as const)('waits for the turn after the one that is spoken: that one %s', (how, endings) => {
    const w = world();
    w.message(
      how.startsWith('called') ? { toolCall: { functionCalls: [{ id: 'a', name: 'tool-a', args: {} }] } } : { serverContent: { modelTurn: {} } },
    );
    w.message(goAway);
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message({ serverContent: { modelTurn: {} } });
    for (const message of endings) w.message(message);
    w.message(handle('crossed'));
    expect(w.state()).toBe('ready.idle');
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { turnComplete: true } });
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('waits no more for what the model leaves without a word', () => {
    const w = world();
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message(goAway);
    w.message(handle('h2'));
    expect(w.state()).toBe('ready.idle');
    w.message({ serverContent: { turnComplete: true } });
    expect(w.state()).toBe('rotating');
  });

  it('takes what comes after an interruption for the turn that was asked for', () => {
    const w = world();
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { interrupted: true } });
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message({ serverContent: { modelTurn: {} } });
    expect(w.session.getSnapshot().context.awaitsTurn).toBe(false);
  });

  it('leaves no socket on which the model is being interrupted', () => {
    const w = world();
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message(goAway);
    w.message(handle('h2'));
    w.message({ serverContent: { interrupted: true } });
    expect(w.state()).toBe('ready.interrupted');
  });

  it.each([true, false])('does not wait for what was asked over a socket that is lost (resumed: %s)', (isResumed) => {
    const w = isResumed ? world() : sessionWorld({ ready: true });
    w.session.send({ type: 'turn.requested', awaits: true });
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message({ setupComplete: {} });
    w.message(handle('h2'));
    w.message(goAway);
    expect(w.state()).toBe('rotating');
  });

  it.each(['waits in the uplink', 'is given between two sockets'])('waits for the answer to what %s, over the next socket', (when) => {
    const w = world();
    w.isFast = false;
    const ask = (): void => w.session.send({ type: 'session.send', message: { clientContent: { turnComplete: true } } });
    if (when === 'waits in the uplink') ask();
    w.closed(1006);
    if (when !== 'waits in the uplink') ask();
    w.clock.advanceBy(100);
    w.opened();
    w.message({ setupComplete: {}, ...goAway, ...handle('h2') });
    expect(w.state()).toBe('ready.idle');
    w.message({ serverContent: { modelTurn: {} } });
    w.message({ serverContent: { turnComplete: true } });
    w.message(handle('h3'));
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['half a turn', { clientContent: { turns: [], turnComplete: false } }],
    ['audio', { realtimeInput: { audio: {} } }],
  ] as const)('does not wait for an answer to %s', (_, message) => {
    const w = world();
    w.session.send({ type: 'session.send', message });
    w.message(goAway);
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['calls', { toolCall: { functionCalls: [{ id: 'a', name: 'tool-a', args: {} }] } }, 'called'],
    ['speaks', { serverContent: { modelTurn: {} } }, 'idle'],
    ['was interrupted', { serverContent: { interrupted: true } }, 'idle'],
  ] as const)('waits no more once the model %s', (_, message, tools) => {
    const w = world();
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message(message);
    expect([w.session.getSnapshot().context.awaitsTurn, w.region('tools')]).toEqual([false, tools]);
  });

  it('waits for a handle that came after an answer which nobody had asked for', () => {
    const w = world();
    w.session.send({ type: 'session.respond', id: 'old', unsolicited: 'weather', response: { by: 'app' } });
    w.message(goAway);
    expect(w.state()).toBe('ready.idle');
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('is obeyed at the end of its time, though the model never answers', () => {
    const w = world();
    w.session.send({ type: 'turn.requested', awaits: true });
    w.message(goAway);
    w.message(handle('h2'));
    w.clock.advanceBy(48_999);
    expect(w.state()).toBe('ready.idle');
    w.clock.advanceBy(1);
    expect(w.state()).toBe('rotating');
  });
});

describe('a goAway, once a call for which the model waits is answered,', () => {
  const spoken = [{ serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }];
  const isOver = { serverContent: { turnComplete: true } };
  const without = (): SessionWorld => sessionWorld({ ready: true, input: { resumption: false } });

  it('waits for what the model says of it', () => {
    const w = without();
    w.call('a', 'b');
    w.message(goAway);
    w.settle('a');
    w.settle('b');
    expect(w.state()).toBe('ready.idle');
    for (const message of spoken) w.message(message);
    expect(w.state()).toBe('rotating');
  });

  it.each(['in a turn of its own', 'where a handle has crossed the answer'])('waits for it %s, too', (how) => {
    const w = how === 'in a turn of its own' ? without() : world();
    w.call('a');
    w.message(isOver);
    w.message(goAway);
    w.settle('a');
    w.message(handle('crossed'));
    expect(w.state()).toBe('ready.idle');
    for (const message of spoken) w.message(message);
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('waits for what the app has asked for meanwhile, which comes after that', () => {
    const w = without();
    w.call('a');
    w.session.send({ type: 'turn.requested', awaits: true });
    w.settle('a');
    w.message(goAway);
    for (const message of spoken) w.message(message);
    expect(w.state()).toBe('ready.idle');
    for (const message of spoken) w.message(message);
    expect(w.state()).toBe('rotating');
  });

  it('waits where the answer is written again, to a conversation that had not had it', () => {
    const w = world();
    w.call('a');
    w.settle('a');
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message({ setupComplete: {} });
    expect(w.fact('tool.resent')).toHaveLength(1);
    w.message(goAway);
    w.message(handle('h2'));
    expect(w.state()).toBe('ready.idle');
  });

  it.each([
    ['ends the turn without a word', [isOver]],
    ['was interrupted', [{ serverContent: { interrupted: true } }, isOver]],
    ['takes back another call', [{ toolCallCancellation: { ids: ['b'] } }, isOver]],
  ] as const)('waits no more where the model %s', (_, messages) => {
    const w = without();
    w.call('a');
    w.settle('a');
    w.message(goAway);
    for (const message of messages) w.message(message);
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['for which it does not wait', 'later', [{ serverContent: { turnComplete: true } }]],
    ['that it took back', 'a', [{ toolCallCancellation: { ids: ['a'] } }]],
  ] as const)('does not wait for a call %s', (_, id, messages) => {
    const w = without();
    w.isFast = false;
    w.call(id);
    w.settle(id);
    w.isHanded = true;
    for (const message of messages) w.message(message);
    w.flush();
    w.message(goAway);
    expect(w.state()).toBe('rotating');
  });

  it.each([
    ['with its first word', without, {}],
    ['with a handle in the frame of its first word', world, handle('h9')],
  ])('is not followed while the model speaks, %s', (_, begin, more) => {
    const w = begin();
    w.call('a');
    w.settle('a');
    w.message(goAway);
    w.message({ serverContent: { modelTurn: { parts: [{ text: '12' }] } }, ...more });
    expect(w.state()).toBe('ready.generating');
    w.message({ serverContent: { turnComplete: true } });
    expect(w.state()).toBe('rotating');
  });

  it('does not wait for what was written to a socket that is left', () => {
    const w = without();
    w.isFast = false;
    w.call('a');
    w.settle('a');
    w.message({ goAway: { timeLeft: '0s' } });
    w.clock.advanceBy(0);
    expect(w.state()).toBe('rotating');
    w.flush();
    const { awaitsTurn, turn } = w.session.getSnapshot().context;
    expect([w.statusOf('a'), awaitsTurn, turn]).toEqual(['answering', false, 'running']);
    w.session.send({ type: 'uplink.written', key: 1 });
    expect(w.session.getSnapshot().context).toMatchObject({ awaitsTurn: false, turn: 'running' });
  });
});
