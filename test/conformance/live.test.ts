/** The live conformance command: what it plays, what it counts, and what it refuses. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { conformanceLive } from './live/command.js';
import { described, playRun, runsOf } from './live/faults.js';
import { readFiles } from './live/recordings.js';
import { ran, type Ran } from './ran.js';

const corpus = process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus');
const own = join(import.meta.dirname, '../fixtures');
const scratch = mkdtempSync(join(tmpdir(), 'espalier-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const run = (...args: string[]): Promise<Ran> => ran((ports) => conformanceLive(args, ports));

function scratchFile(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

type Line = readonly [from: '>' | '<', message: object];

const log = (...lines: readonly Line[]): string =>
  lines.map(([from, message]) => `${from}${JSON.stringify(message).length + 1} ${JSON.stringify(message)}\n`).join('');

const talk = log(
  ['>', { setup: { model: 'models/m' } }],
  ['<', { setupComplete: {} }],
  ['>', { clientContent: { turns: [{ role: 'user', parts: [{ text: 'hi' }] }], turnComplete: true } }],
  ['<', { toolCall: { functionCalls: [{ id: 'a', name: 'weather', args: {} }] } }],
  ['>', { toolResponse: { functionResponses: [{ id: 'a', name: 'weather', response: { output: 1 } }] } }],
  ['<', { serverContent: { modelTurn: { parts: [{ text: 'fine' }] } } }],
  ['<', { serverContent: { turnComplete: true } }],
);

/** Two calls, the second of which is answered like this; one of them by what a function returns or throws. */
function calling(answer: object): string {
  return log(
    ['>', { setup: { model: 'models/m' } }],
    ['<', { setupComplete: {} }],
    ['<', { toolCall: { functionCalls: [{ id: 'z', name: 'time', args: {} }] } }],
    ['>', { toolResponse: { functionResponses: [{ ...answer, id: 'z', name: 'time' }] } }],
    ['<', { toolCall: { functionCalls: [{ id: 'a', name: 'weather', args: {} }] } }],
    ['>', { toolResponse: { functionResponses: [answer] } }],
    ['<', { serverContent: { turnComplete: true } }],
  );
}

const user = (text: string) => ({ clientContent: { turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true } });
const model = (text: string) => ({ serverContent: { modelTurn: { parts: [{ text }] } } });

/** The recorded client did not go to another socket when it might have. */
const left = log(
  ['>', { setup: { model: 'models/m', sessionResumption: {} } }],
  ['<', { setupComplete: {} }],
  ['>', user('hi')],
  ['<', { goAway: { timeLeft: '50s' } }],
  ['<', model('hello')],
  ['<', { serverContent: { turnComplete: true } }],
  ['<', { sessionResumptionUpdate: { newHandle: 'h1', resumable: true } }],
  ['<', model('still here')],
  ['<', { serverContent: { turnComplete: true } }],
  ['>', user('and now')],
  ['<', model('here, too')],
  ['<', { serverContent: { turnComplete: true } }],
);

/** The server announces the end of its socket, and of the next one. */
const leftTwice = log(
  ['>', { setup: { model: 'models/m', sessionResumption: {} } }],
  ['<', { setupComplete: {} }],
  ['<', { sessionResumptionUpdate: { newHandle: 'h1', resumable: true } }],
  ['<', { goAway: { timeLeft: '50s' } }],
  ['>', user('hi')],
  ['<', model('hello')],
  ['<', { serverContent: { turnComplete: true } }],
  ['<', { sessionResumptionUpdate: { newHandle: 'h2', resumable: true } }],
  ['<', { goAway: { timeLeft: '50s' } }],
  ['>', user('and now')],
  ['<', model('here, too')],
  ['<', { serverContent: { turnComplete: true } }],
);

interface Pair {
  readonly pair: number;
  readonly id: string;
}

const callOf = (fields: object) => ({ toolCall: { functionCalls: [{ ...fields, name: 'weather', args: {} }] } });
const answerTo = (fields: object) => ({ toolResponse: { functionResponses: [{ ...fields, name: 'weather', response: { output: 1 } }] } });
const audio = { realtimeInput: { audio: { data: 'AAAA', mimeType: 'audio/pcm' } } };

/** So much of it that a server which missed one frame, and waited for each from then on, would not come to its end. */
const chatter = (said: (pair: Pair) => readonly Line[]) =>
  log(
    ['>', { setup: { model: 'models/m' } }],
    ['<', { setupComplete: {} }],
    ...Array.from({ length: 30 }, (_, pair) => said({ pair, id: `call ${pair}` })).flat(),
    ['<', { serverContent: { turnComplete: true } }],
  );

const madeAgain = log(
  ['>', { setup: { model: 'models/m' } }],
  ['<', { setupComplete: {} }],
  ['<', { toolCall: { functionCalls: [{ id: 'c2', name: 'weather', args: {} }] } }],
  ['<', { toolCallCancellation: { ids: ['c2'] } }],
  ['<', { toolCall: { functionCalls: [{ id: 'c2', name: 'weather', args: {} }] } }],
  ['>', { toolResponse: { functionResponses: [{ id: 'c2', name: 'weather', response: { output: 2 } }] } }],
  ['<', { serverContent: { turnComplete: true } }],
);

const call = { toolCall: { functionCalls: [{ id: 'c3', name: 'weather', args: {} }] } };
const takesBack = { toolCallCancellation: { ids: ['c3'] } };
const answers = { toolResponse: { functionResponses: [{ id: 'c3', name: 'weather', response: { output: 3 } }] } };
const madeAgainAndAgain = log(
  ['>', { setup: { model: 'models/m' } }],
  ['<', { setupComplete: {} }],
  ['<', call],
  ['<', takesBack],
  ['<', call],
  ['<', takesBack],
  ['<', call],
  ['>', answers],
  ['<', takesBack],
  ['<', call],
  ['>', answers],
  ['<', { serverContent: { turnComplete: true } }],
);

const misshapen = log(
  ['>', { setup: { model: 'models/m' } }],
  ['<', { setupComplete: {} }],
  ['<', { serverContent: 7 }],
  ['>', user('what?')],
  ['<', { toolCall: { functionCalls: 'no' } }],
  ['>', user('what??')],
  ['<', { serverContent: { turnComplete: true } }],
);

describe('the live conformance command', () => {
  it.each([
    ['no folder', [], 'expected a folder of recordings'],
    ['a folder that is none', ['no-such-folder'], 'no-such-folder'],
    ['a flag that is none', ['--nonsense'], '--nonsense'],
    ['a seed that is none', [scratch, '--seed', 'x'], 'expected --seed with a whole number, got: x'],
    ['an empty seed', [scratch, '--seed', ''], 'expected --seed with a whole number, got: '],
    ['a folder without a recording', [mkdtempSync(join(scratch, 'empty-'))], 'expected recordings (.websocket.log, '],
  ])('refuses %s, and says how it is called', async (_, args, complaint) => {
    const { code, errors } = await run(...args);
    expect(code).toBe(2);
    expect(errors).toContain(complaint);
    expect(errors).toContain('Usage: npm run conformance:live');
  });

  it('plays a recording as server and as client, and closes with the count', async () => {
    const { code, out } = await run(scratchFile('talk.websocket.log', talk));
    expect(out).toEqual(['live: 2 passed, 0 failed, 0 skipped']);
    expect(code).toBe(0);
  });

  it('fails a recording that cannot be read', async () => {
    const broken = scratchFile('broken.websocket.log', '>99999 {}\n');
    const { code, out } = await run(broken, '--verbose');
    expect(code).toBe(1);
    expect(out.at(-1)).toBe('live: 0 passed, 1 failed, 0 skipped');
  });

  it('skips streams of other protocols, and says why', async () => {
    const foreign = scratchFile('foreign.chunks.txt', '{"candidates":[],"usageMetadata":{"totalTokenCount":1}}\n');
    const { code, out } = await run(foreign, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({
      status: 'skipped',
      reason: expect.stringContaining('no line of it is a message of a Live server') as string,
    });
  });

  it('skips a recording without a frame, and says why', async () => {
    const { code, out } = await run(scratchFile('empty.websocket.log', ''), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ status: 'skipped', reason: 'it holds no frame' });
    expect(out.at(-1)).toBe('live: 0 passed, 0 failed, 1 skipped');
  });

  it.each([
    ['answers that say willContinue: false', calling({ id: 'a', name: 'weather', response: { output: 1 }, willContinue: false, scheduling: '' })],
    ['answers with parts', calling({ id: 'a', name: 'weather', response: {}, parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] })],
    ['answers that bear another name than their call', calling({ id: 'a', name: 'wether', response: { output: 1 } })],
    ['answers that are an error', calling({ id: 'a', name: 'weather', response: { error: 'no such city' } })],
    ['a client that stays on a socket which the server leaves', left],
    ['a client that stays on two sockets, one hard upon the other, which the server leaves', leftTwice],
    ['a call that is taken back and made again', madeAgain],
    ['calls that are taken back and made again, over and over', madeAgainAndAgain],
    ['a frame whose only kind is misshapen', misshapen],
  ])('passes %s', async (name, recording) => {
    const { out } = await run(scratchFile(`${name.replaceAll(/\W/g, '-')}.websocket.log`, recording), '--faults', '--verbose');
    expect(out).toEqual(['live: 3 passed, 0 failed, 0 skipped']);
  });

  it('plays each connection of a session that took several', () => {
    const twice = scratchFile('twice.websocket.log', `${talk}${talk}`);
    const [file] = readFiles([twice]);
    expect(file).toMatchObject({ sessions: [{ name: expect.stringMatching(/#1$/) as string }, { name: expect.stringMatching(/#2$/) as string }] });
  });

  it.each(['live-logs', 'live-cassettes', 'live-chunks'].filter((folder) => existsSync(join(own, folder))))(
    'passes our own recordings in %s',
    async (folder) => {
      const { out } = await run(join(own, folder), '--verbose');
      expect(out.at(-1)).toMatch(/^live: [1-9]\d* passed, 0 failed, 0 skipped$/);
    },
  );

  it.skipIf(!existsSync(corpus))('passes all of the corpus', { timeout: 120_000 }, async () => {
    const { out } = await run(corpus, '--verbose');
    expect(out.filter((line) => line.startsWith('failed'))).toEqual([]);
    expect(out.at(-1)).toMatch(/^live: [1-9]\d* passed, 0 failed, \d+ skipped$/);
  });
});

describe('a recording with a fault at each of its frames', () => {
  const [file] = readFiles([scratchFile('faults.websocket.log', talk)]);
  const [session] = file !== undefined && 'sessions' in file ? file.sessions : [];
  if (session === undefined) throw new Error('expected a session');

  it.each([1, 2, 3])('loses nothing and leaves nothing, seed %i', async (seed) => {
    for (const one of runsOf(session, seed))
      expect({ run: described(one), problem: await playRun(session, one) }).toEqual({ run: described(one), problem: undefined });
  });

  it.each([
    ['audio', ({ pair }: Pair) => [['>', audio] as const, ['<', model(`part ${pair}`)] as const]],
    ['turns of the user', ({ pair }: Pair) => [['>', user(`turn ${pair}`)] as const, ['<', model(`part ${pair}`)] as const]],
    ['answers', ({ id }: Pair) => [['<', callOf({ id })] as const, ['>', answerTo({ id })] as const]],
    ['answers to calls without an id', () => [['<', callOf({})] as const, ['>', answerTo({})] as const]],
    ['refused parts of answers', ({ id }: Pair) => [['<', callOf({ id })] as const, ['>', answerTo({ id, willContinue: true })] as const]],
  ])('ends soon after it, however much of %s follows', async (name, said) => {
    const path = scratchFile(`${name.replaceAll(' ', '-')}.websocket.log`, chatter(said));
    const [long] = readFiles([path]).flatMap((one) => ('sessions' in one ? one.sessions : []));
    for (const kind of ['drop', 'cancel', 'refuse'] as const) {
      for (const givesHandles of [true, false]) {
        // At a frame of the client, with which its socket dies, and at one of the server.
        for (const frame of [7, 8]) {
          const one = { faults: [{ kind, frame, chance: 0 }], givesHandles, toolMs: 100, returned: 'even' } as const;
          expect({ run: described(one), problem: long && (await playRun(long, one)) }).toEqual({ run: described(one), problem: undefined });
        }
      }
    }
  });

  it('leaves what waits for a slow socket when it dies to the next one', () => {
    const plans = runsOf(session, 1).map(({ faults }) => faults.map(({ kind, frame }) => `${kind} ${frame}`).join(', '));
    expect(plans.filter((plan) => plan.includes(','))).toEqual(['stall 1, drop 2', 'stall 1, refuse 2', 'stall 4, cancel 4']);
  });

  it('is the same for the same seed', () => {
    expect(runsOf(session, 4)).toEqual(runsOf(session, 4));
    expect(runsOf(session, 4)).not.toEqual(runsOf(session, 5));
  });

  it.skipIf(!existsSync(corpus))('holds for all of the corpus', { timeout: 300_000 }, async () => {
    for (const recorded of readFiles([corpus])) {
      for (const recording of 'sessions' in recorded ? recorded.sessions : []) {
        for (const one of runsOf(recording, 1))
          expect({ run: `${recording.name}: ${described(one)}`, problem: await playRun(recording, one) }).toEqual({
            run: `${recording.name}: ${described(one)}`,
            problem: undefined,
          });
      }
    }
  });
});
