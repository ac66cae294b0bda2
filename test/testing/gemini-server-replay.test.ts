import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, readRecording, replayScript } from '../../src/testing/index.js';
import { connect, nothingIsLeft } from './raw-client.js';

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/live-logs', `${name}.websocket.log`);
/** Recordings of real sessions, where ../shared/corpus is present: the suite runs without. */
const corpus = join(process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus'), 'live-logs');
const recorded = existsSync(corpus) ? readdirSync(corpus).map((file) => join(corpus, file)) : [];
const setupComplete = { setupComplete: {} };

/** Replays a log to a client that sends what the recorded one sent, and expects the recorded frames. */
async function playedInFull(file: string): Promise<void> {
  const { frames } = readRecording(readFileSync(file));
  await using server = await geminiServer({ replay: file });
  const client = await connect(server);
  for (const frame of frames) if (frame.from === 'client') client.send(frame.text);
  expect(await server.outcome).toEqual({ ok: true });
  const sent = frames.filter(({ from }) => from === 'server');
  for (const _ of sent) await client.next().catch(String);
  expect(client.frames.map(({ text }) => text.trimEnd())).toEqual(sent.map(({ text }) => text.trimEnd()));
  expect(server.received).toHaveLength(frames.length - sent.length);
}

describe('replaying a recording', () => {
  afterEach(nothingIsLeft);

  it.each(['spoken-turn', 'parallel-tools', 'realtime-audio'])('plays %s to a client that says the same kinds', async (name) => {
    await playedInFull(fixture(name));
  });

  it.skipIf(recorded.length === 0)('plays every recorded session (skipped where ../shared/corpus is missing)', async () => {
    for (const file of recorded) await playedInFull(file);
  });

  it('waits where the client spoke, whatever it says', async () => {
    await using server = await geminiServer({ replay: readRecording(readFileSync(fixture('spoken-turn'))) });
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

  it.each([
    ['starts with something else', '{"setup":{}}\n', 'byte 0'],
    ['has no length', '>{} \n', 'byte 0'],
    ['ends within a payload', '>99 {"setup":{}}\n', 'byte 4: 99 bytes'],
    ['has a wrong length', '>5 {"setup":{"model":"m"}}\n', 'byte 8'],
    ['holds a client frame that is none', '>4 ???\n', 'frame 0: a client message'],
  ])('that %s is refused', async (_, log, expected) => {
    await expect((async () => geminiServer({ replay: readRecording(log) }))()).rejects.toMatchObject({
      code: 'gemini-server/invalid-recording',
      details: { expected: expect.stringContaining(expected) },
    });
  });

  it.each([
    ['a number', () => readRecording(5 as never), 'the bytes or the text of a log'],
    ['nothing', () => readRecording(null as never), 'the bytes or the text of a log'],
    ['a number, as a recording', () => replayScript(5 as never), 'a recording: { frames }'],
    ['nothing, as a recording', () => replayScript(undefined as never), 'a recording: { frames }'],
    ['a recording without frames', () => replayScript({} as never), 'a recording: { frames }'],
    [
      'a recording with a frame from nobody',
      () => replayScript({ frames: [{ text: '{}' }] } as never),
      "frame 0: { from: 'client' or 'server', text }",
    ],
    ['a recording with an empty frame', () => replayScript({ frames: [null] } as never), "frame 0: { from: 'client' or 'server', text }"],
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
});
