/** The app of a recording: when it speaks, how it answers, and what it finds lost. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { ClientMessage } from '../../src/wire/gemini/live.js';
import { parseClientMessage } from '../../src/wire/gemini/live.js';
import type { SocketListener } from '../../src/index.js';
import { AppCalls } from './live/app-calls.js';
import { RecordedApp } from './live/recorded-app.js';
import { answerDifference, expectedAnswers, withoutDefaults } from './live/recorded-calls.js';
import { sessionOf } from './recorded.js';

const call = (id: string) => ({ id, name: 'weather', args: {} });
const answerTo = (id: string, response: object = { output: id }) => ({ toolResponse: { functionResponses: [{ id, name: 'weather', response }] } });
const script = sessionOf(
  ['client', { setup: { model: 'models/m' } }],
  ['server', { setupComplete: {} }],
  ['server', { toolCall: { functionCalls: [call('a'), call('b')] } }],
  ['client', answerTo('a', { error: 'no such city' })],
  ['client', answerTo('b')],
  ['server', { serverContent: { turnComplete: true } }],
);

/** An app on a socket of which a test says what comes, and whether what it takes is confirmed. */
class World {
  readonly clock = new VirtualClock();
  readonly app: RecordedApp;
  readonly wire: ClientMessage[] = [];
  confirms = true;
  #listener: SocketListener | undefined;

  constructor(returned: readonly number[], session = script, later: (act: () => void) => void = (act) => act()) {
    const openSocket = (_address: unknown, listener: SocketListener) => {
      this.#listener = listener;
      return {
        send: (text: string, written: (ok: boolean) => void) => {
          const read = parseClientMessage(text);
          if (read.ok) this.wire.push(read.message);
          if (this.confirms) written(true);
        },
        bufferedAmount: () => 0,
        pause: () => true,
        resume: () => undefined,
        close: () => listener.closed(1000, ''),
        terminate: () => undefined,
      };
    };
    this.app = new RecordedApp(session, { session: { openSocket }, clock: this.clock, later, returns: (number) => returned.includes(number) });
  }

  async begin(): Promise<void> {
    this.app.session.ref.start();
    this.#listener?.opened();
    await this.say({ setupComplete: {} });
  }

  async say(message: object): Promise<void> {
    this.#listener?.frame(JSON.stringify(message));
    await this.clock.advanceByAsync(1);
  }

  async close(): Promise<void> {
    void this.app.session.close();
    await this.clock.advanceByAsync(5_000);
  }

  get answers(): readonly object[] {
    return this.wire.flatMap(({ toolResponse }) => toolResponse?.functionResponses ?? []);
  }
}

describe('the app of a recording', () => {
  it.each([[[]], [[0]], [[1]], [[0, 1]]])('answers as was recorded, whichever its functions return or throw (%j)', async (returned) => {
    const world = new World(returned);
    await world.begin();
    await world.say({ toolCall: { functionCalls: [call('a'), call('b')] } });
    expect(answerDifference(expectedAnswers(script), world.answers as never)).toBeUndefined();
    await world.close();
    expect(world.app.unaccounted()).toBeUndefined();
    expect(world.app.lostAnswer(() => true)).toBeUndefined();
  });

  it('answers no call before it came, however much else is said', async () => {
    const world = new World([]);
    await world.begin();
    for (let extra = 0; extra < 5; extra++) await world.say({ sessionResumptionUpdate: { resumable: false } });
    expect(world.answers).toEqual([]);
    await world.close();
  });

  it('misses an answer that no socket has confirmed, although nothing came between the call and its answer', async () => {
    const world = new World([]);
    await world.begin();
    world.confirms = false;
    await world.say({ toolCall: { functionCalls: [call('a'), call('b')] } });
    await world.close();
    expect(world.app.lostAnswer(() => true)).toBe('the answer to a was lost: it waited until the session was closed');
  });

  it('misses an answer that is told, and that the server does not have', async () => {
    const world = new World([]);
    await world.begin();
    await world.say({ toolCall: { functionCalls: [call('a'), call('b')] } });
    expect(world.app.lostAnswer((id) => id !== 'b')).toBe('the answer to b was lost: told as answered, and never heard');
    await world.close();
  });

  it('keeps calls apart that share an id, and answers the later one with what the earlier one had', async () => {
    const world = new World([]);
    await world.begin();
    world.confirms = false;
    await world.say({ toolCall: { functionCalls: [call('a'), call('b')] } });
    await world.close();
    const again = new World([], sessionOf(['client', { setup: { model: 'models/m' } }], ['server', { setupComplete: {} }]));
    await again.begin();
    await again.say({ toolCall: { functionCalls: [call('c')] } });
    await again.say({ toolCallCancellation: { ids: ['c'] } });
    await again.say({ toolCall: { functionCalls: [call('c')] } });
    await again.close();
    expect(again.app.unaccounted()).toBeUndefined();
  });
});

it.each([[[]], [[0, 1, 2]]])('answers a call that is made again while its answer is on its way, whichever are returned (%j)', async (returned) => {
  const due: (() => void)[] = [];
  const world = new World(returned, script, (act) => due.push(act));
  await world.begin();
  await world.say({ toolCall: { functionCalls: [call('a'), call('b')] } });
  await world.say({ toolCallCancellation: { ids: ['a'] } });
  await world.say({ toolCall: { functionCalls: [call('a')] } });
  for (const act of due) act();
  await world.clock.advanceByAsync(1);
  expect(answerDifference(expectedAnswers(script), world.answers as never)).toBeUndefined();
  await world.close();
  expect(world.app.unaccounted()).toBeUndefined();
});

describe('the calls of an app', () => {
  const says = (...ids: readonly string[]) => ({ toolCall: { functionCalls: ids.map(call) } });
  /** One call, which is run, and ends like this. */
  const after = (end: 'tool.answered' | 'tool.cancelled' | 'tool.abandoned'): AppCalls => {
    const calls = new AppCalls();
    calls.hear(says('a'), true);
    calls.enter('a', 'weather', false);
    calls.run('a');
    calls.hear({}, true);
    calls.end(end, { id: 'a' });
    return calls;
  };

  it('are accounted for where each was told, run and ended', () => {
    expect(after('tool.answered').unaccounted()).toBeUndefined();
    expect(after('tool.cancelled').unaccounted()).toBeUndefined();
  });

  it.each(['tool.cancelled', 'tool.abandoned'] as const)('miss one that is made again after %s and not told', (end) => {
    const calls = after(end);
    calls.hear(says('a'), true);
    expect(calls.unaccounted()).toBe(`call a was made again after ${end}, and the session did not tell of it`);
  });

  it('miss one that was never told, with an id or without, once for each', () => {
    const named = new AppCalls();
    named.hear(says('a', 'a', 'b'), true);
    named.enter('a', 'weather', false);
    named.run('a');
    named.hear({}, true);
    named.end('tool.cancelled', { id: 'a' });
    expect(named.unaccounted()).toBe('call b was made, and the session did not tell of it');
    const unnamed = new AppCalls();
    unnamed.hear(
      {
        toolCall: {
          functionCalls: [
            { name: 'time', args: {} },
            { name: 'time', args: {} },
          ],
        },
      },
      false,
    );
    unnamed.enter('local:1', 'time', false);
    unnamed.end('tool.answered', { id: 'local:1' });
    expect(unnamed.unaccounted()).toBe('a call without an id was made, and the session did not tell of it');
  });

  it('leave it to the session whether one that was answered is another when it is made again', () => {
    const calls = after('tool.answered');
    calls.hear(says('a'), true);
    expect(calls.unaccounted()).toBeUndefined();
  });

  it.each(['tool.answered', 'tool.cancelled', 'tool.abandoned'] as const)('miss one that was told, not run, and ended by %s', (end) => {
    const again = (isReady: boolean): string | undefined => {
      const calls = after('tool.cancelled');
      calls.hear(says('a'), isReady);
      calls.enter('a', 'weather', false);
      calls.hear({}, true);
      calls.end(end, { id: 'a' });
      return calls.unaccounted();
    };
    expect(again(true)).toBe(`call a ended by ${end}, and was never run`);
    // Before the setup is accepted nothing is run.
    expect(again(false)).toBeUndefined();
  });

  it('need not run one that is taken back in the message that makes it, and run none twice', () => {
    const calls = new AppCalls();
    calls.hear({ ...says('a'), toolCallCancellation: { ids: ['a'] } }, true);
    calls.enter('a', 'weather', false);
    calls.end('tool.cancelled', { id: 'a' });
    expect(calls.unaccounted()).toBeUndefined();
    const twice = after('tool.answered');
    twice.run('a');
    expect(twice.unaccounted()).toBe('the function of a was run twice');
  });

  it('miss the answer to none that was taken back since, and to every other', () => {
    const calls = after('tool.answered');
    expect(calls.lostAnswer(() => false)).toBe('the answer to a was lost: told as answered, and never heard');
    calls.hear({ toolCallCancellation: { ids: ['b'] } }, true);
    expect(calls.lostAnswer(() => false)).toBe('the answer to a was lost: told as answered, and never heard');
    calls.hear({ toolCallCancellation: { ids: ['a'] } }, true);
    expect(calls.lostAnswer(() => false)).toBeUndefined();
  });

  it('miss the answer to one that is made again after that', () => {
    const calls = after('tool.answered');
    calls.hear({ toolCallCancellation: { ids: ['a'] } }, true);
    calls.hear(says('a'), true);
    calls.enter('a', 'weather', false);
    calls.run('a');
    calls.hear({}, true);
    calls.end('tool.answered', { id: 'a' });
    expect(calls.lostAnswer(() => false)).toBe('the answer to a was lost: told as answered, and never heard');
  });

  it('give the answer of one that was taken back to the one that was made instead', () => {
    const calls = new AppCalls();
    const make = () => {
      calls.hear(says('a'), true);
      calls.run('a');
      return calls.enter('a', 'weather', false);
    };
    const first = make();
    expect(calls.heirOf(first)).toBe(first);
    calls.end('tool.cancelled', { id: 'a' });
    expect(calls.heirOf(first)).toBe(first);
    const second = make();
    calls.end('tool.cancelled', { id: 'a' });
    const third = make();
    expect([calls.heirOf(first), calls.heirOf(second)]).toEqual([third, third]);
    third.answer = { response: {} };
    expect(calls.heirOf(first)).toBeUndefined();
  });
});

describe('answers, compared', () => {
  const one = { id: 'a', name: 'n', response: { output: false } };

  it('are equal where they differ in defaults only', () => {
    const same = { ...one, willContinue: false, scheduling: 'SCHEDULING_UNSPECIFIED', parts: [] };
    expect(withoutDefaults(same)).toEqual(one);
    expect(answerDifference([same], [one])).toBeUndefined();
  });

  it('differ in what the app says, defaults or not', () => {
    expect(answerDifference([one], [{ ...one, response: {} }])).toContain('answer 0: expected');
    expect(answerDifference([one], [{ ...one, willContinue: true }])).toContain('answer 0: expected');
    expect(answerDifference([one], [one, one])).toContain('answer 1: expected nothing');
  });

  it('keep their order among those to one id only', () => {
    const other = { ...one, id: 'b' };
    expect(answerDifference([one, other], [other, one])).toBeUndefined();
    const part = { ...one, response: {}, willContinue: true };
    expect(answerDifference([part, one], [one, part])).toContain('answer 0: expected');
  });

  it('bear the names of their calls', () => {
    const misnamed = sessionOf(
      ['client', { setup: { model: 'models/m' } }],
      ['server', { toolCall: { functionCalls: [call('a')] } }],
      ['client', { toolResponse: { functionResponses: [{ id: 'a', name: 'wether', response: {} }] } }],
    );
    expect(expectedAnswers(misnamed)).toEqual([{ id: 'a', name: 'weather', response: {} }]);
  });
});
