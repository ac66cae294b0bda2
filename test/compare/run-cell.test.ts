import { describe, expect, test } from 'vitest';
import type { Case } from '../../bench/compare/case.js';
import { runCell } from '../../bench/compare/run-cell.js';
import type { ProcessEnd, Subject, ToldFact } from '../../bench/compare/subject-process.js';
import type { GeminiServerOptions, Outcome, ReceivedMessage, Step } from '../../src/testing/index.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A promise that the test settles. */
function settled<T>() {
  let settle: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, settle };
}

const which: Case = {
  id: 'one',
  title: '',
  rule: '',
  model: 'm',
  tool: { takesMs: 0 },
  script: [{ expect: 'setup' }, 'zero', { say: 'hello' }, { waitMs: 500 }],
  act: () => Promise.resolve(),
  watchMs: 3_000,
  judge: () => ({ right: true, why: '', afterMs: null }),
};

/** A cell whose server, subject and time are the test's. */
function start(of: Partial<Case> = {}) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const plays: { readonly steps: readonly Step[]; readonly settle: (outcome: Outcome) => void }[] = [];
  const received: ReceivedMessage[] = [];
  const loaded = settled<void>();
  const acted = settled<void>();
  const ended = settled<ProcessEnd>();
  let tell: (fact: ToldFact) => void = () => {};
  let asked: GeminiServerOptions = {};
  const subject: Subject = {
    name: 'fake',
    version: '0',
    start({ id, url }, hear) {
      log.push(`start ${id} ${url}`);
      tell = hear;
      return {
        loaded: loaded.promise,
        acted: acted.promise,
        ended: ended.promise,
        kill: () => {
          log.push('kill');
          ended.settle({ code: null, signal: 'SIGKILL', words: 'killed' });
        },
      };
    },
  };
  const result = runCell({ ...which, ...of }, subject, {
    clock,
    lingerMs: 100,
    serve: (options) => {
      asked = options;
      return Promise.resolve({
        url: 'http://here',
        received,
        connections: { length: 1 },
        play: (steps) => {
          const play = settled<Outcome>();
          plays.push({ steps, settle: play.settle });
          return play.promise;
        },
        close: () => {
          log.push('close');
          return Promise.resolve();
        },
      });
    },
  });
  return { clock, log, plays, received, loaded, acted, ended, result, tell: (fact: ToldFact) => tell(fact), options: () => asked };
}

/** Past the loading and the zero. */
async function startedAt(zeroAtMs: number, of: Partial<Case> = {}) {
  const cell = start(of);
  await cell.clock.flush();
  cell.loaded.settle();
  await cell.clock.advanceToAsync(zeroAtMs);
  cell.plays[0]?.settle({ ok: true });
  await cell.clock.flush();
  return cell;
}

describe('a cell of the comparison', () => {
  test('counts from the zero of the case, and ends when script and app are through', async () => {
    const cell = await startedAt(700);
    expect(cell.plays.map(({ steps }) => steps)).toEqual([which.script.slice(0, 1), which.script.slice(2)]);
    cell.tell({ kind: 'text', detail: 'hello', at: 710 });
    cell.tell({ kind: 'opened', detail: '', at: 650 });
    cell.received.push({ index: 0, connection: 0, kind: 'setup', message: { setup: { model: 'm' } }, frame: 'text', at: 660 });
    await cell.clock.advanceToAsync(1_200);
    cell.plays[1]?.settle({ ok: true });
    cell.acted.settle();
    await cell.clock.advanceByAsync(100);
    expect(await cell.result).toEqual({
      facts: [
        { kind: 'opened', detail: '', atMs: -50 },
        { kind: 'text', detail: 'hello', atMs: 10 },
      ],
      wire: [{ connection: 1, what: 'setup', answers: [], atMs: -40 }],
      connections: 1,
      exit: null,
      untilMs: 600,
    });
    expect(cell.log).toEqual(['start one http://here', 'kill', 'close']);
  });

  test('begins when the client is loaded, however long that takes', async () => {
    const cell = start();
    await cell.clock.advanceToAsync(20_000);
    expect(cell.plays).toEqual([]);
    cell.loaded.settle();
    await cell.clock.flush();
    expect(cell.plays).toHaveLength(1);
    cell.ended.settle({ code: 0, signal: null, words: '' });
    await cell.result;
  });

  test('has seen enough at the end of its watch, whoever still waits', async () => {
    const cell = await startedAt(700);
    await cell.clock.advanceByAsync(3_100);
    expect(await cell.result).toMatchObject({ exit: null, untilMs: 3_100 });
    expect(cell.log.slice(1)).toEqual(['kill', 'close']);
  });

  test('ends at once when the process does, and keeps its last words', async () => {
    const cell = await startedAt(700);
    await cell.clock.advanceToAsync(730);
    cell.ended.settle({ code: 1, signal: null, words: 'TypeError: x' });
    expect(await cell.result).toMatchObject({ exit: { code: 1, words: 'TypeError: x', atMs: 30 }, untilMs: 30 });
  });

  test('sees a process that dies of the last thing it did', async () => {
    const cell = await startedAt(700);
    cell.plays[1]?.settle({ ok: true });
    cell.acted.settle();
    await cell.clock.advanceByAsync(50);
    cell.ended.settle({ code: 1, signal: null, words: 'TypeError: x' });
    expect(await cell.result).toMatchObject({ exit: { words: 'TypeError: x' } });
  });

  test('plays nothing more to a subject that does not reach the zero', async () => {
    const cell = start();
    await cell.clock.flush();
    cell.loaded.settle();
    await cell.clock.flush();
    cell.plays[0]?.settle({ ok: false, step: 0, reason: 'gone' });
    cell.acted.settle();
    await cell.clock.advanceByAsync(100);
    expect(await cell.result).toMatchObject({ facts: [], exit: null });
    expect(cell.plays).toHaveLength(1);
  });

  test('asks for a server whose steps do not fail before the watch is over', async () => {
    const cell = await startedAt(0, { compression: false });
    expect(cell.options()).toMatchObject({ compression: false, deadlineMs: 60_000, acceptMs: 60_000 });
    cell.ended.settle({ code: 0, signal: null, words: '' });
    await cell.result;
  });
});
