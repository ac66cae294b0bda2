import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientScript, geminiServer, readRecording, type Recording, replayScript } from '../../src/testing/index.js';
import { connect, nothingIsLeft, type RawClient } from './raw-client.js';

const fixtures = join(import.meta.dirname, '../fixtures');
const log = (name: string) => join(fixtures, 'live-logs', `${name}.websocket.log`);
const cassette = join(fixtures, 'live-cassettes', 'tool-and-resume.yaml');
const chunks = join(fixtures, 'live-chunks', 'translation.chunks.txt');
/** Recordings of real sessions, where ../shared/corpus is present: the suite runs without. */
const corpus = process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus');
const recordedIn = (folder: string) =>
  existsSync(join(corpus, folder)) ? readdirSync(join(corpus, folder)).map((file) => join(corpus, folder, file)) : [];
const recorded = ['live-logs', 'live-cassettes', 'live-chunks'].map((folder) => [folder, recordedIn(folder)] as const);
const setupComplete = { setupComplete: {} };

const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** Replays a recording to a client that says what the recorded one said, when it said it, and expects the recorded frames. */
async function playedInFull(file: string): Promise<void> {
  const recording = readRecording(readFileSync(file));
  const said = clientScript(recording);
  const sent = recording.frames.filter(({ from }) => from === 'server');
  await using server = await geminiServer({ replay: file });
  const clients: RawClient[] = [];
  let heard = 0;
  const hear = async (count: number): Promise<void> => {
    for (; heard < count; heard += 1) await clients.at(-1)?.next().catch(String);
  };
  for (const { text, connection, afterServerMessages } of said) {
    await hear(afterServerMessages);
    if (connection === clients.length) clients.push(await connect(server));
    clients[connection]?.send(text);
  }
  await hear(sent.length);
  expect(await server.outcome).toEqual({ ok: true });
  const got = clients.flatMap(({ frames }) => frames.map(({ text }) => valueOf(text)));
  expect(got).toEqual(sent.map(({ text }) => valueOf(text)));
  expect(server.received.map(({ message }) => message)).toEqual(said.map(({ message }) => message));
}

describe('replaying a recording', () => {
  afterEach(nothingIsLeft);

  it.each([log('spoken-turn'), log('parallel-tools'), log('realtime-audio'), cassette, chunks])(
    'plays %s to a client that says the same kinds',
    async (file) => {
      await playedInFull(file);
    },
  );

  it.each(recorded)('plays every recorded session of %s (skipped where ../shared/corpus is missing)', async (_, files) => {
    for (const file of files) await playedInFull(file);
  });

  it('waits where the client spoke, whatever it says', async () => {
    await using server = await geminiServer({ replay: readRecording(readFileSync(log('spoken-turn'))) });
    const client = await connect(server);
    client.send({ setup: { model: 'models/another' } });
    expect(await client.next()).toEqual(setupComplete);
    expect(client.frames).toHaveLength(1);
    client.send({ clientContent: { turns: [], turnComplete: true } });
    expect((await client.next()).serverContent?.modelTurn?.parts).toEqual([{ text: 'Spalier – 🌳,\n' }]);
  });

  it('is a script of its own', () => {
    expect(replayScript(readRecording('>31 {"setup":{"model":"models/m"}}\n<21 {"setupComplete":{}}\n<4 ???\n'))).toEqual([
      { expect: 'setup' },
      { send: setupComplete },
      { garbage: '???' },
    ]);
  });

  it('closes where the recording does, and goes on with the connection that resumes', () => {
    const steps = replayScript(readRecording(readFileSync(cassette)));
    expect(steps.slice(5)).toEqual([
      { send: { sessionResumptionUpdate: { newHandle: 'handle-1', resumable: true } } },
      { close: { code: 1011, reason: 'Deadline expired before operation could complete.', unlessClosed: true } },
      { accept: true },
      { expect: 'setup' },
      { send: setupComplete },
      { send: { serverContent: { turnComplete: true } } },
      { close: { code: 1000, reason: '', unlessClosed: true } },
    ]);
  });

  it.each([
    [1005, { close: { code: null, unlessClosed: true } }],
    [1006, { drop: true }],
  ])('makes a recorded close %d as it can be made', (code, step) => {
    expect(replayScript({ frames: [], closes: [{ afterFrames: 0, code, reason: '' }] })).toEqual([{ expect: 'setup' }, step]);
  });

  it('waits for the client to close before the next setup, where the recording holds no close', () => {
    const frames = [{ setup: { model: 'm' } }, { setup: { model: 'm', sessionResumption: { handle: 'h' } } }];
    const recording: Recording = { frames: frames.map((message) => ({ from: 'client', text: JSON.stringify(message) })) };
    expect(replayScript(recording)).toEqual([{ expect: 'setup' }, { expectClose: true }, { accept: true }, { expect: 'setup' }]);
    expect(clientScript(recording).map(({ connection }) => connection)).toEqual([0, 1]);
  });
});

describe("a recorded client's part", () => {
  it('tells before each message how much of the server came', () => {
    expect(
      clientScript(readRecording(readFileSync(log('parallel-tools')))).map(({ afterServerMessages, message }) => [
        afterServerMessages,
        ...Object.keys(message),
      ]),
    ).toEqual([
      [0, 'setup'],
      [1, 'clientContent'],
      [3, 'toolResponse'],
      [3, 'toolResponse'],
    ]);
  });

  it('keeps what stood on the wire beside the message that it means', () => {
    const [, spoke] = clientScript(readRecording(readFileSync(cassette)));
    expect(spoke).toMatchObject({ afterServerMessages: 1, connection: 0, recorded: true, message: { clientContent: { turnComplete: true } } });
    expect(JSON.parse(spoke?.text ?? '')).toMatchObject({ client_content: { turn_complete: true } });
  });

  it('is a setup that says it was made up, where only the server was recorded', () => {
    expect(clientScript(readRecording(readFileSync(chunks)))).toEqual([
      {
        afterServerMessages: 0,
        connection: 0,
        recorded: false,
        message: { setup: { model: 'models/not-recorded' } },
        text: '{"setup":{"model":"models/not-recorded"}}',
      },
    ]);
  });
});

describe('reading a recording', () => {
  it.each([
    ['log', log('spoken-turn')],
    ['cassette', cassette],
    ['chunks', chunks],
  ] as const)('finds out that it is a %s, from its bytes and from its text', (format, file) => {
    const bytes = readFileSync(file);
    const told = readRecording(bytes, { format });
    expect(told.frames.length).toBeGreaterThan(3);
    expect(readRecording(bytes)).toEqual(told);
    expect(readRecording(bytes.toString('utf8'))).toEqual(told);
    expect(readRecording(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]))).toEqual(told);
  });

  it('takes what Python wrote in YAML 1.1 for what it meant', () => {
    const { frames } = readRecording(readFileSync(cassette));
    const call = JSON.parse(frames[3]?.text ?? '') as { toolCall: { functionCalls: { args: object }[] } };
    expect(call.toolCall.functionCalls[0]?.args).toEqual({ y: 5, code: '1e3', mode: '0o17', exact: 1.5e20, is_on: 'on', note: '12' });
  });

  it.each([
    ['starts with something else', 'hello\n', 'byte 0'],
    ['has no length', '>{} \n', 'byte 0'],
    ['ends within a payload', '>99 {"setup":{}}\n', 'byte 4: 99 bytes'],
    ['has a wrong length', '>5 {"setup":{"model":"m"}}\n', 'byte 8'],
    ['holds a client frame that is none', '>4 ???\n', 'frame 0: a client message'],
    ['has a line that is no JSON', '{"setupComplete":{}}\n{"half":\n', 'line 2: a message of the server'],
    ['has a list for a line', '{"setupComplete":{}}\n[]\n', 'line 2: a message of the server'],
    ['has a message of a client among those of the server', '{"setupComplete":{}}\n{"clientContent":{}}\n', 'line 2: a message of the server'],
    ['is no UTF-8', Buffer.from('{"a":"\xff"}', 'latin1'), 'UTF-8'],
    ['is YAML that breaks off', 'interactions: [\n', 'a cassette in YAML ('],
    ['has no list of interactions', 'interactions: 5\n', 'a list of interactions'],
    ['has an interaction that is none', 'interactions:\n- direction: up\n  data: {}\n', 'interaction 0'],
    ['has an interaction without data', 'interactions:\n- direction: sent\n', 'interaction 0'],
    ['has a close without a code', 'interactions:\n- kind: close\n', 'interaction 0'],
    [
      'grows by its aliases',
      `a: &a [x]\n${'bcdefghij'
        .split('')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]}, `.repeat(9)}]\n`)
        .join('')}interactions: *j\n`,
      'a cassette in YAML (',
    ],
    ['nests too deep', `interactions: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`, 'a cassette in YAML ('],
  ])('that %s is refused', async (_, recording, expected) => {
    await expect((async () => geminiServer({ replay: readRecording(recording) }))()).rejects.toMatchObject({
      code: 'gemini-server/invalid-recording',
      details: { expected: expect.stringContaining(expected) },
    });
  });

  it.each([
    ['a number', () => readRecording(5 as never), 'the bytes or the text of a recording'],
    ['nothing', () => readRecording(null as never), 'the bytes or the text of a recording'],
    ['of a format that there is not', () => readRecording('', { format: 'har' as never }), 'format: one of log, cassette, chunks'],
    ['a number, as a recording', () => replayScript(5 as never), 'a recording: { frames }'],
    ['nothing, as a recording', () => replayScript(undefined as never), 'a recording: { frames }'],
    ["nothing, as a client's part", () => clientScript(undefined as never), 'a recording: { frames }'],
    ['a recording without frames', () => replayScript({} as never), 'a recording: { frames }'],
    [
      'a recording with a frame from nobody',
      () => replayScript({ frames: [{ text: '{}' }] } as never),
      "frame 0: { from: 'client' or 'server', text }",
    ],
    ['a recording with an empty frame', () => replayScript({ frames: [null] } as never), "frame 0: { from: 'client' or 'server', text }"],
    ['a recording with a close of nothing', () => replayScript({ frames: [], closes: [{}] } as never), 'closes: a list of'],
  ])('that is %s is refused at the call', (_, read, expected) => {
    let error: unknown;
    try {
      read();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'gemini-server/invalid-recording', details: { expected: expect.stringContaining(expected) } });
  });

  it('that is not there is refused', async () => {
    await expect(geminiServer({ replay: '/nowhere.websocket.log' })).rejects.toMatchObject({
      code: 'gemini-server/invalid-recording',
      cause: { code: 'ENOENT' },
    });
  });

  describe('without the package yaml', () => {
    afterEach(() => {
      vi.doUnmock('node:module');
      vi.resetModules();
    });

    it('says what a cassette needs, and reads the other formats', async () => {
      vi.resetModules();
      vi.doMock('node:module', () => ({
        createRequire: () => () => {
          throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
        },
      }));
      const { readRecording: readWithout } = await import('../../src/testing/gemini-server/recording.js');
      expect(() => readWithout(readFileSync(cassette))).toThrow(
        'testing/missing-peer: expected the package yaml (^2) to read a cassette: npm install --save-dev yaml, got: "MODULE_NOT_FOUND"',
      );
      expect(readWithout(readFileSync(chunks)).frames).toHaveLength(5);
      expect(readWithout(readFileSync(log('spoken-turn'))).frames.length).toBeGreaterThan(1);
    });
  });
});
