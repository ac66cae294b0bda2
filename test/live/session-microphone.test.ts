/** The gate of the microphone in the session's chart: closed while the model waits for a call, open again on every way out. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const world = (options: WorldOptions = {}) => sessionWorld({ ready: true, ...options, input: { gatesAudio: true, ...options.input } });
/** What the uplink was told of the gate, and the app of the microphone. */
const gates = (w: SessionWorld) => w.toUplink.flatMap((command) => (command.type === 'uplink.gate' ? [command.closed] : []));
const told = (w: SessionWorld) => w.fact('session.gated').map(({ closed }) => closed);

describe('the microphone', () => {
  it('is gated as long as any call is open that the model waits for', () => {
    const w = world();
    w.call('a', 'b');
    expect([w.region('microphone'), gates(w), told(w)]).toEqual(['gated', [true], [true]]);
    w.settle('a');
    expect(w.region('microphone')).toBe('gated');
    w.settle('b');
    expect([w.region('microphone'), gates(w), told(w)]).toEqual(['open', [true, false], [true, false]]);
  });

  it('stays open for calls that the model does not wait for', () => {
    const w = world();
    w.call('later');
    expect([w.region('microphone'), w.region('tools'), gates(w)]).toEqual(['open', 'called', []]);
  });

  it('stays open for models that hear while they wait', () => {
    const w = world({ input: { gatesAudio: false } });
    w.call('a');
    expect([w.region('microphone'), gates(w)]).toEqual(['open', []]);
  });

  it('is gated from a call before setupComplete on', () => {
    const w = world({ ready: false });
    w.opened();
    w.call('a');
    expect([w.region('microphone'), gates(w)]).toEqual(['gated', [true]]);
  });

  it('stays gated while an answer waits for a socket', () => {
    const w = world();
    w.call('a');
    w.closed(1006);
    w.settle('a');
    expect([w.state(), w.region('microphone')]).toEqual(['backingOff', 'gated']);
  });

  it.each<[string, (w: SessionWorld) => void]>([
    ['the answer is written', (w) => w.settle('a')],
    ['the call is taken back', (w) => w.message({ toolCallCancellation: { ids: ['a'] } })],
    ['the function dies', (w) => w.runs[0]?.die(new Error('oops'))],
    ['the time is up', (w) => w.clock.advanceBy(3_000)],
    ['the app answers', (w) => w.session.send({ type: 'session.respond', id: 'a', response: {} })],
    [
      'the conversation is lost',
      (w) => {
        w.closed(1006);
        w.clock.advanceBy(100);
        w.opened();
        w.message({ setupComplete: {} });
      },
    ],
    ['the session closes', (w) => w.session.send({ type: 'session.close' })],
  ])('is open again when %s', (_, happen) => {
    const w = world();
    w.call('a');
    happen(w);
    expect([w.region('microphone'), gates(w), told(w)]).toEqual(['open', [true, false], [true, false]]);
  });

  it.each<[string, (w: SessionWorld) => void]>([
    ['fails', (w) => w.closed(1008)],
    ['loses its tools', (w) => w.session.send({ type: 'tools.failed', reason: 'killed' })],
    ['is ended by the server', (w) => w.closed(1000)],
    [
      'is closed between two sockets',
      (w) => {
        w.closed(1006);
        w.session.send({ type: 'session.close' });
      },
    ],
  ])('is open again, as far as anybody was told, when the session %s', (_, happen) => {
    const w = world();
    w.call('a');
    happen(w);
    expect([gates(w), told(w)]).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(['session.closed', 'session.failed']).toContain(w.told().at(-1));
  });
});
