/** The command `espalier gemini-server` as a process, as built: what it serves, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';

import { selfSignedCertificate } from '../../src/testing/gemini-server/certificate.js';
import { liveUrl } from '../../src/wire/gemini/live.js';
import { RawClient } from '../testing/raw-client.js';
import { build, type Built, endAll, run, type Running } from './built.js';

const fixtures = join(import.meta.dirname, '../fixtures');
const own = mkdtempSync(join(tmpdir(), 'espalier-gemini-'));
const certificate = { key: join(own, 'key.pem'), cert: join(own, 'cert.pem') };
let built: Built;
let trusted: string;

beforeAll(async () => {
  built = build();
  const { key, cert } = await selfSignedCertificate();
  writeFileSync(certificate.key, key);
  writeFileSync(certificate.cert, cert);
  trusted = cert;
}, 120_000);
afterAll(() => {
  endAll();
  built.remove();
  rmSync(own, { recursive: true, force: true });
});

const serve = (...args: string[]): Running => run(process.execPath, [built.main, 'gemini-server', ...args]);

/** Where it listens. */
const urlOf = async (server: Running): Promise<string> => (await server.printed(/listens on (\S+)/))[1] ?? '';

const come = (url: string): RawClient => new RawClient(liveUrl({ baseUrl: url }), { 'x-goog-api-key': 'k' }, { ca: trusted });

describe.concurrent('espalier gemini-server', { timeout: 60_000 }, () => {
  it('serves wss: with the certificate that it is given', async ({ expect }) => {
    const server = serve('--tls-cert', certificate.cert, '--tls-key', certificate.key);
    const url = await urlOf(server);
    expect(url).toMatch(/^https:/);
    const client = come(url);
    await client.opened;
    client.send({ setup: { model: 'models/m' } });
    expect(await client.next()).toMatchObject({ setupComplete: {} });
    client.close(1000);
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it.for([
    ['without a file', [], 'It is 12 °C in Oslo, with light rain.', 'light rain.'],
    ['by rules', ['--http', 'rules'], 'by the rules', 'by the rules'],
    ['from a recording', ['--http', 'recording'], null, 'brûlée.'],
  ] as const)('answers requests over HTTP %s, again and again', async ([, flags, whole, streamed], { expect }) => {
    const said = (text: string): object => ({ candidates: [{ content: { parts: [{ text }] }, finishReason: 'STOP' }] });
    const rules = join(own, 'rules.json');
    writeFileSync(rules, JSON.stringify([{ times: 'always', answer: [{ json: said('by the rules') }] }]));
    const files: Record<string, string> = { rules, recording: join(fixtures, 'http', 'streaming-success-words.txt') };
    const server = serve(...flags.map((flag) => files[flag] ?? flag));
    const url = await urlOf(server);
    const ask = async (method: string): Promise<string> => {
      const init = { method: 'POST', headers: { 'x-goog-api-key': 'k', connection: 'close' }, body: '{"contents":[]}' };
      return (await fetch(`${url}/v1beta/models/m:${method}`, init)).text();
    };
    for (let count = 0; count < 2; count++) {
      if (whole !== null) expect(await ask('generateContent')).toContain(whole);
      expect(await ask('streamGenerateContent?alt=sse')).toContain(streamed);
    }
    await server.printed(/request \d +POST \/v1beta\/models\/m:streamGenerateContent \{"contents":\[\]\}/);
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it('replays chunks to every client', async ({ expect }) => {
    const server = serve('--replay', join(fixtures, 'live-chunks', 'translation.chunks.txt'));
    const url = await urlOf(server);
    for (let count = 0; count < 2; count++) {
      const client = come(url);
      await client.opened;
      client.send({ setup: { model: 'models/m' } });
      for (let frame = 0; frame < 4; frame++) await client.next();
      expect((await client.next()).serverContent?.modelTurn?.parts).toHaveLength(1);
      client.close(1000);
    }
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it('replays a cassette from connection to connection', async ({ expect }) => {
    const server = serve('--replay', join(fixtures, 'live-cassettes', 'tool-and-resume.yaml'));
    const url = await urlOf(server);
    const first = come(url);
    await first.opened;
    first.send({ setup: { model: 'models/m' } });
    await first.next();
    first.send({ client_content: { turn_complete: true } });
    expect((await first.next()).toolCall?.functionCalls?.[0]?.name).toBe('record_reading');
    first.send({ tool_response: { function_responses: [{ id: 'call-1', name: 'record_reading', response: {} }] } });
    expect((await first.closed).code).toBe(1011);
    const second = come(url);
    await second.opened;
    second.send({ setup: { model: 'models/m', session_resumption: { handle: 'handle-1' } } });
    expect((await second.closed).code).toBe(1000);
    expect(second.frames).toHaveLength(2);
    await server.printed(/the script is over: further clients are refused/);
    await expect(come(url).opened).rejects.toThrow('HTTP 410');
    await server.printed(/a client was refused: the script is over/);
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it('prints the script that failed, and where', async ({ expect }) => {
    const script = join(own, 'script.json');
    writeFileSync(script, JSON.stringify([{ expect: 'setup' }, { expect: 'clientContent', deadlineMs: 1 }]));
    const server = serve('--script', script);
    const client = come(await urlOf(server));
    await client.opened;
    client.send({ setup: { model: 'models/m' } });
    expect(await client.closed).toMatchObject({ code: 1011, reason: expect.stringContaining('script failed at step 1') as string });
    await server.printed(/client 0 +the script failed at step 1, expect: no 'clientContent' within 1 ms/);
    server.child.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it.for([
    ['a certificate without its key', ['--tls-cert', 'cert.pem'], 'expected --tls-cert and --tls-key, both, got: "--tls-cert"'],
    ['a certificate that is not there', ['--tls-cert', 'nowhere.pem', '--tls-key', certificate.key], 'expected a file that can be read'],
    ['a pair that is none', ['--tls-cert', certificate.key, '--tls-key', certificate.cert], 'expected a private key in '],
    ['rules that are none', ['--http', join(fixtures, 'live-cassettes', 'README.md')], 'README.md, exchanges, server-sent events'],
    ['what is no recording', ['--replay', join(fixtures, 'live-cassettes', 'README.md')], 'README.md, byte 0: '],
  ] as const)('refuses %s, with exit code 2', async ([, args, words], { expect }) => {
    const { code, stdout, stderr } = await serve(...args).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('PRIVATE KEY');
  });
});
