/** Ids of calls that the server uses again: the same call once more, or a new one. */
import { afterEach, describe, expect, it } from 'vitest';
import { leaveNothing, type SessionWorld, sessionWorld as world } from './session-world.js';

afterEach(leaveNothing);

const cancel = (...ids: string[]) => ({ toolCallCancellation: { ids } });

describe('an id that comes again', () => {
  const weather = (city: string) => ({ toolCall: { functionCalls: [{ id: 'a', name: 'weather', args: { city } }] } });
  const cities = ({ runs }: SessionWorld) => runs.map(({ input }) => input.args['city']);
  const sunny = { toolResponse: { functionResponses: [{ id: 'a', name: 'weather', response: { output: 'sunny' }, scheduling: 'SILENT' }] } };
  const answerSunny = (w: SessionWorld) => w.settle('a', { output: 'sunny' }, { scheduling: 'SILENT' });

  it('while its call is open is the same call: it runs once, and one answer serves', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.message({ toolCall: { functionCalls: [1, 2].map(() => ({ id: 'a', name: 'weather', args: { city: 'Oslo' } })) } });
    w.message(weather('Bern'));
    answerSunny(w);
    w.message(weather('Oslo'));
    w.settle('a', { late: true });
    w.flush();
    expect([cities(w), w.wire]).toEqual([['Oslo'], [sunny]]);
    expect(w.told()).toEqual(['tool.called', 'tool.repeated', 'tool.repeated', 'tool.answered']);
  });

  it('after the answer, with the same call, is answered the same again and not run', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    answerSunny(w);
    const twice = weather('Oslo').toolCall.functionCalls;
    w.message({ toolCall: { functionCalls: [...twice, ...twice] } });
    expect([cities(w), w.wire]).toEqual([['Oslo'], [sunny, sunny]]);
    expect(w.toUplink.at(-1)).toMatchObject({ key: null, final: true });
    expect(w.told()).toEqual(['tool.called', 'tool.answered', 'tool.repeated']);
  });

  it.each([
    ['arguments', weather('Bern')],
    ['a name', { toolCall: { functionCalls: [{ id: 'a', name: 'time', args: { city: 'Oslo' } }] } }],
  ])('after the answer, with %s of its own, is a new call: it runs and is answered', (_, another) => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    answerSunny(w);
    w.message(another);
    expect(w.statusOf('a')).toBe('running');
    w.settle('a', { output: 'rain' });
    expect([w.runs.length, JSON.stringify(w.wire.at(-1)).includes('rain')]).toEqual([2, true]);
    expect(w.told()).toEqual(['tool.called', 'tool.answered', 'tool.called', 'tool.answered']);
  });

  it('after a cancellation is a new call: it runs and is answered', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    w.message(cancel('a'));
    w.message(weather('Oslo'));
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false, true]);
    answerSunny(w);
    expect(w.wire).toEqual([sunny]);
    expect(w.told()).toEqual(['tool.called', 'tool.cancelled', 'tool.called', 'tool.answered']);
  });

  it('while its former answer waits to be written once more is answered alone: the former is taken back', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    answerSunny(w);
    w.isFast = false;
    w.message(weather('Oslo'));
    w.message(weather('Bern'));
    w.settle('a', { output: 'rain' });
    w.flush();
    expect(w.wire.map((message) => JSON.stringify(message).includes('rain'))).toEqual([false, true]);
  });

  it.each([
    ['written', 'tool.answered'],
    ['withdrawn', 'tool.cancelled'],
  ] as const)('after a cancellation that crossed the answer is a new call, be that answer %s then or not', (word, fact) => {
    const w = world({ ready: true });
    w.isFast = false;
    w.message(weather('Oslo'));
    answerSunny(w);
    w.isHanded = true;
    w.message(cancel('a'));
    w.message(weather('Oslo'));
    w.message(weather('Oslo'));
    expect([w.statusOf('a'), w.runs.length, w.told()]).toEqual(['running', 2, ['tool.called', 'tool.called', 'tool.repeated']]);
    w.session.send({ type: 'session.respond', id: 'a', response: { by: 'app' } });
    w.session.send({ type: `uplink.${word}`, key: 1 });
    expect(w.session.getSnapshot().context.calls.rows.map(({ key, status }) => [key, status])).toEqual([[2, 'answering']]);
    w.session.send({ type: 'uplink.written', key: 2 });
    expect([w.told().slice(-2), w.statusOf('a'), w.region('tools')]).toEqual([[fact, 'tool.answered'], 'answered', 'idle']);
  });
});

describe('a call of before that comes over the next socket', () => {
  const call = { toolCall: { functionCalls: [{ id: 'a', name: 'tool-a', args: { of: 'a' } }] } };
  const setupComplete = { setupComplete: {} };
  const orders = {
    'before setupComplete': [call, setupComplete],
    'with setupComplete': [{ ...setupComplete, ...call }],
    'after setupComplete': [setupComplete, call],
  };
  type Order = keyof typeof orders;
  const cases = (['resumed', 'afresh'] as const).flatMap((how) =>
    (['send', 'abandon'] as const).flatMap((staleAnswers) =>
      (['running', 'with an answer that waits', 'answered'] as const).flatMap((state) =>
        (Object.keys(orders) as Order[]).map((order) => ({ how, staleAnswers, state, order })),
      ),
    ),
  );

  it.each(cases)('$order ($how, staleAnswers: $staleAnswers), $state until then, is answered, and every call has one end', (one) => {
    const { how, staleAnswers, state, order } = one;
    const w = world({ ready: true, input: { staleAnswers } });
    if (how === 'resumed') w.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
    w.call('a');
    if (state === 'answered') w.settle('a');
    w.closed(1006);
    if (state === 'with an answer that waits') w.settle('a');
    w.wire.length = 0;
    w.clock.advanceBy(100);
    w.opened();
    for (const message of orders[order]) w.message(message);
    if (w.statusOf('a') === 'running') w.settle('a');
    const isLate = how === 'resumed' && order === 'after setupComplete';
    // A call that comes late finds its answer written, as the conversation had not had it; or the call given up, as it had not heard of it.
    const isWrittenBefore = isLate && staleAnswers === 'send' && state !== 'running';
    const isGivenUpBefore = isLate && staleAnswers === 'abandon' && state !== 'answered';
    expect([w.wire.length, w.statusOf('a')]).toEqual([isWrittenBefore ? 2 : 1, 'answered']);
    expect(w.runs).toHaveLength(how === 'afresh' || isGivenUpBefore ? 2 : 1);
    const ends = [...w.fact('tool.answered'), ...w.fact('tool.abandoned')];
    expect([ends.length, w.region('tools')]).toEqual([w.fact('tool.called').length, 'idle']);
  });

  it.each(Object.keys(orders) as Order[])(
    '%s is a new one where only an answer that nobody asked for had its id, and the conversation is lost',
    (order) => {
      const w = world({ ready: true });
      w.closed(1006);
      w.session.send({ type: 'session.respond', id: 'a', unsolicited: 'tool-a', response: { by: 'app' } });
      w.clock.advanceBy(100);
      w.opened();
      for (const message of orders[order]) w.message(message);
      w.settle('a', { by: 'tool' });
      expect(w.wire).toEqual([{ toolResponse: { functionResponses: [{ id: 'a', name: 'tool-a', response: { by: 'tool' } }] } }]);
      expect(w.fact('tool.abandoned')).toEqual([{ type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'contextLost' }]);
    },
  );

  it('is the same where the socket that is being left says it, though its conversation had begun afresh', () => {
    const w = world({ ready: true });
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message(setupComplete);
    w.isFast = false;
    w.session.send({ type: 'session.respond', id: 'a', unsolicited: 'tool-a', response: { by: 'app' } });
    w.message({ goAway: { timeLeft: '0s' } });
    w.clock.advanceBy(0);
    expect(w.state()).toBe('rotating');
    w.message(call);
    expect([w.fact('tool.repeated').length, w.fact('tool.abandoned')]).toEqual([1, []]);
  });

  it('is known from then on: lost before its setup is accepted, the next socket gives up nothing of it', () => {
    const w = world({ ready: true, input: { staleAnswers: 'abandon' } });
    w.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
    w.call('a');
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message(call);
    w.closed(1006);
    w.clock.advanceBy(200);
    w.opened();
    w.message(setupComplete);
    w.settle('a');
    expect([w.runs.length, w.fact('tool.abandoned'), w.statusOf('a')]).toEqual([1, [], 'answered']);
  });
});
