/** What becomes of calls and their answers when the session's chart comes back over a new socket. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const handle = (newHandle: string) => ({ sessionResumptionUpdate: { newHandle, resumable: true } });
const ready = (options: WorldOptions = {}) => sessionWorld({ ready: true, ...options });
const withHandle = (options: WorldOptions = {}): SessionWorld => {
  const w = ready(options);
  w.message(handle('h1'));
  w.facts.length = 0;
  return w;
};
/** A new socket, after the delay, up to its setup; `accept` takes it through. */
const reopened = (w: SessionWorld): void => {
  w.clock.advanceBy(100);
  w.opened();
};
const accept = (w: SessionWorld): void => w.message({ setupComplete: {} });

describe('answers', () => {
  it('given while there is no socket are held, and written once the conversation is resumed', () => {
    const w = withHandle();
    w.call('a');
    w.closed(1006);
    w.settle('a');
    reopened(w);
    expect([w.statusOf('a'), w.wire]).toEqual(['answering', []]);
    accept(w);
    expect([w.statusOf('a'), w.wire.length]).toEqual(['answered', 1]);
  });

  it('that the handle does not stand for are written again; those that it does are not', () => {
    const w = withHandle();
    w.call('a', 'b');
    w.settle('a', { n: 1 }, { scheduling: 'SILENT' });
    w.message(handle('h2'));
    w.settle('b', { n: 2 }, { scheduling: 'INTERRUPT' });
    w.closed(1006);
    reopened(w);
    accept(w);
    expect(w.wire.slice(2)).toEqual([
      { toolResponse: { functionResponses: [{ id: 'b', name: 'tool-b', response: { n: 2 }, scheduling: 'INTERRUPT' }] } },
    ]);
    expect(w.fact('tool.resent')).toEqual([{ type: 'tool.resent', id: 'b', name: 'tool-b' }]);
    w.message(handle('h3'));
    w.closed(1006);
    reopened(w);
    accept(w);
    expect([w.wire.length, w.fact('tool.answered').length], 'once is enough').toEqual([3, 2]);
  });

  it('that waited when the handle came are not covered by it', () => {
    const w = ready();
    w.isFast = false;
    w.call('a');
    w.settle('a');
    w.message(handle('h1'));
    w.flush();
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    expect([w.wire.length, w.fact('tool.resent').length]).toEqual([2, 1]);
  });

  it.each(['between two sockets', 'before the setup is accepted'])(
    'that nobody asked for, given %s, are abandoned where the conversation is lost',
    (when) => {
      const w = ready();
      w.closed(1006);
      if (when === 'before the setup is accepted') reopened(w);
      w.session.send({ type: 'session.respond', id: 'old', unsolicited: 'weather', response: { by: 'app' } });
      if (when === 'between two sockets') reopened(w);
      accept(w);
      expect(w.wire).toEqual([]);
      expect(w.fact('tool.abandoned')).toEqual([{ type: 'tool.abandoned', id: 'old', name: 'weather', reason: 'contextLost' }]);
    },
  );

  it.each(['send', 'abandon'] as const)(
    'that nobody asked for are written again to a conversation that has not had them (staleAnswers: %s)',
    (staleAnswers) => {
      const w = sessionWorld({ ready: true, input: { staleAnswers } });
      w.message(handle('h1'));
      w.session.send({ type: 'session.respond', id: 'old', unsolicited: 'weather', response: { by: 'app' } });
      expect(w.wire).toHaveLength(1);
      w.closed(1006);
      reopened(w);
      accept(w);
      expect([w.wire.length, w.wire[1], w.fact('tool.resent')]).toEqual([2, w.wire[0], [{ type: 'tool.resent', id: 'old', name: 'weather' }]]);
      w.message(handle('h2'));
      w.closed(1006);
      reopened(w);
      accept(w);
      expect(w.wire, 'a handle stands for it now').toHaveLength(2);
    },
  );

  it('of a conversation that was lost are never written again', () => {
    const w = ready();
    w.call('a', 'b');
    w.settle('a');
    w.closed(1006);
    w.settle('b');
    reopened(w);
    accept(w);
    w.call('a');
    expect([w.wire.length, w.statusOf('b'), w.fact('tool.resent'), w.fact('tool.repeated')]).toEqual([1, 'abandoned', [], []]);
    expect([w.runs.length, w.statusOf('a')], 'an old id is a new call there').toEqual([3, 'running']);
  });
});

describe('a handle that comes before a resumed conversation has had what it is owed', () => {
  /** Resumed with `h1`, and owing the answer to `a`. */
  const owing = (options: WorldOptions = {}): SessionWorld => {
    const w = ready(options);
    w.call('a');
    w.message(handle('h1'));
    w.settle('a');
    w.closed(1006);
    reopened(w);
    return w;
  };

  it.each([
    ['with setupComplete', [{ setupComplete: {}, ...handle('h2') }]],
    ['before it', [handle('h2'), { setupComplete: {} }]],
  ])('%s does not stand for it', (_, messages) => {
    const w = owing();
    for (const message of messages) w.message(message);
    expect(w.fact('tool.resent').map(({ id }) => id)).toEqual(['a']);
    w.message({ goAway: { timeLeft: '50s' } });
    expect(w.state(), 'nor for its being written').toBe('ready.idle');
  });

  it('knows no more calls than the one that was resumed with', () => {
    const w = withHandle({ input: { staleAnswers: 'abandon' } });
    w.call('unheard');
    w.closed(1006);
    reopened(w);
    w.message({ setupComplete: {}, ...handle('h2') });
    expect(w.statusOf('unheard')).toBe('abandoned');
  });

  it('while that waits to be written does not stand for it: it is written on the next socket, and no socket is left for it', () => {
    const w = owing();
    w.isFast = false;
    accept(w);
    w.message(handle('h2'));
    w.message({ goAway: { timeLeft: '50s' } });
    expect(w.state()).toBe('ready.idle');
    w.flush();
    expect(w.state()).toBe('ready.idle');
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    expect(w.fact('tool.resent')).toHaveLength(2);
    w.message(handle('h3'));
    w.closed(1006);
    reopened(w);
    accept(w);
    expect(w.fact('tool.resent'), 'h3 stands for it').toHaveLength(2);
  });
});

describe('an answer that is on its way once more to a conversation that never heard of its call', () => {
  it('is on its way no more: a later handle stands for all', () => {
    const w = withHandle({ input: { staleAnswers: 'abandon' } });
    w.call('x');
    w.settle('x');
    w.isFast = false;
    w.call('x');
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    w.message(handle('h2'));
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    expect([w.fact('tool.resent'), w.wire.length]).toEqual([[], 1]);
  });
});

describe('calls of which the resumed conversation has not heard', () => {
  it('are answered all the same by default', () => {
    const w = withHandle();
    w.call('a');
    w.closed(1006);
    reopened(w);
    accept(w);
    w.settle('a');
    expect([w.statusOf('a'), w.wire.length]).toEqual(['answered', 1]);
  });

  it('are abandoned where the app wants it so, and nothing of them is written again', () => {
    const w = withHandle({ input: { staleAnswers: 'abandon' } });
    w.call('done', 'waits', 'open');
    w.settle('done');
    w.isFast = false;
    w.settle('waits');
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    expect(w.fact('tool.abandoned')).toEqual(
      ['waits', 'open'].map((id) => ({ type: 'tool.abandoned', id, name: `tool-${id}`, reason: 'staleHandle' })),
    );
    expect([w.wire.length, w.fact('tool.resent'), w.runs.map(({ isRunning }) => isRunning)]).toEqual([1, [], [false, false, false]]);
    expect(w.session.getSnapshot().context.calls.rows.map(({ answer }) => answer)).toEqual([{ output: 'done' }, null, null]);
  });

  it('are not those that came before the handle: their answers are kept, and written again', () => {
    const w = ready({ input: { staleAnswers: 'abandon' } });
    w.call('done', 'waits', 'open');
    w.message(handle('h1'));
    w.settle('done');
    w.isFast = false;
    w.settle('waits');
    w.closed(1006);
    reopened(w);
    accept(w);
    w.settle('open');
    w.flush();
    expect([w.fact('tool.abandoned'), w.fact('tool.resent').map(({ id }) => id)]).toEqual([[], ['done']]);
    expect(['done', 'waits', 'open'].map((id) => w.statusOf(id))).toEqual(['answered', 'answered', 'answered']);
  });

  it.each(['resumed', 'begun afresh'])('are not those of the new socket, before its setup is accepted: %s', (how) => {
    const w = how === 'resumed' ? withHandle({ input: { staleAnswers: 'abandon' } }) : ready();
    w.closed(1006);
    reopened(w);
    w.call('early');
    w.message({ setupComplete: {}, toolCall: { functionCalls: [{ id: 'with', name: 'tool-with', args: {} }] } });
    expect(['early', 'with'].map((id) => w.statusOf(id))).toEqual(['running', 'running']);
    expect(w.fact('tool.abandoned')).toEqual([]);
  });
});

describe('an answer that waits to be written once more', () => {
  /** Resumed, with the answer to `a` waiting. */
  const owing = (): SessionWorld => {
    const w = withHandle();
    w.call('a');
    w.settle('a');
    w.closed(1006);
    w.isFast = false;
    reopened(w);
    accept(w);
    expect(w.fact('tool.resent').map(({ id }) => id)).toEqual(['a']);
    return w;
  };

  it('is not, where the server takes the call back', () => {
    const w = owing();
    w.message({ toolCallCancellation: { ids: ['a'] } });
    w.flush();
    expect(w.wire).toHaveLength(1);
    w.closed(1006);
    reopened(w);
    accept(w);
    w.flush();
    expect(w.wire).toHaveLength(1);
  });

  it('is not, where the conversation that knew the call is lost', () => {
    const w = owing();
    w.closed(1006);
    reopened(w);
    w.closed(1008, 'no such session');
    w.opened();
    accept(w);
    w.flush();
    expect([w.fact('session.contextLost').length, w.wire.length]).toEqual([1, 1]);
  });

  it('is not, where a call that is delivered again is taken back then', () => {
    const w = ready();
    w.call('a');
    w.settle('a');
    w.isFast = false;
    w.call('a');
    w.message({ toolCallCancellation: { ids: ['a'] } });
    w.flush();
    expect([w.fact('tool.repeated').length, w.wire.length]).toEqual([1, 1]);
  });
});
