import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { geminiServer, type GeminiServer, type Step } from '../../../src/testing/index.js';
import { selfSignedCertificate } from '../../../src/testing/gemini-server/certificate.js';
import { liveUrl } from '../../../src/wire/gemini/live.js';
import { nothingIsLeft, RawClient } from '../raw-client.js';

const setup = { setup: { model: 'models/m' } };
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];

const come = (server: GeminiServer, ca: string | undefined, url = server.url): RawClient =>
  new RawClient(liveUrl({ baseUrl: url }), { 'x-goog-api-key': 'k' }, ca === undefined ? {} : { ca });

const converse = async (client: RawClient): Promise<void> => {
  await client.opened;
  client.send(setup);
  expect(await client.next()).toEqual(setupComplete);
};

/** What openssl makes, where there is one. */
function byOpenssl(): { key: string; cert: string } | null {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a local server with TLS', () => {
  afterEach(nothingIsLeft);

  it('makes its own certificate, which a client that trusts it accepts, by address and by name', async () => {
    await using server = await geminiServer({ tls: true, plays: 'perConnection', script: opening });
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    expect(server.certificate).toMatch(/^-----BEGIN CERTIFICATE-----/);
    await converse(come(server, server.certificate!));
    await converse(come(server, server.certificate!, `https://localhost:${server.port}`));
  });

  it('is not trusted by a client that does not know it', async () => {
    await using server = await geminiServer({ tls: true, script: opening });
    await expect(come(server, undefined).opened).rejects.toThrow(/self[- ]signed/i);
    await converse(come(server, server.certificate!));
  });

  it('takes a certificate that is given', async () => {
    const given = await selfSignedCertificate();
    await using server = await geminiServer({ tls: given, script: opening });
    expect(server.certificate).toBe(given.cert);
    await converse(come(server, given.cert));
  });

  it('takes one that openssl has made (skipped where there is no openssl)', async (context) => {
    const given = byOpenssl();
    if (given === null) return context.skip('openssl is not installed');
    await using server = await geminiServer({ tls: given, script: opening });
    await converse(come(server, given.cert));
  });

  it('makes ephemeral tokens, segments and stalls as without', async () => {
    await using server = await geminiServer({
      tls: true,
      script: [
        ...opening,
        { say: 'x'.repeat(3_000), turnComplete: false, chunkBytes: 1_000 },
        { stall: 'both' },
        { say: 'held', turnComplete: false },
        { resume: true },
      ],
    });
    const options = { method: 'POST', ca: server.certificate!, headers: { 'x-goog-api-key': 'k', connection: 'close' } };
    const name = await new Promise<string>((resolve, reject) => {
      const asked = request(`${server.url}/v1alpha/auth_tokens`, options, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve((JSON.parse(body) as { name: string }).name));
      });
      asked.on('error', reject).end('{}');
    });
    const client = new RawClient(
      liveUrl({ baseUrl: server.url, service: 'constrained' }),
      { authorization: `Token ${name}` },
      { ca: server.certificate! },
    );
    await converse(client);
    expect((await client.next()).serverContent?.modelTurn?.parts?.[0]?.text).toHaveLength(3_000);
    expect((await client.next()).serverContent?.modelTurn?.parts?.[0]?.text).toBe('held');
  });

  it.each([
    ['a key that is none', { key: 'the-secret', cert: 'x' }, 'tls: a private key and its certificate, in PEM'],
    ['a key without a certificate', { key: 'the-secret' }, 'tls: '],
    ['a word', 'the-secret', 'tls: '],
  ])('refuses %s, and does not show it', async (_, tls, expected) => {
    const refused = geminiServer({ tls: tls as never });
    await expect(refused).rejects.toMatchObject({ code: 'gemini-server/invalid-options', details: { expected: expect.stringContaining(expected) } });
    const error = (await refused.catch((thrown: unknown) => thrown)) as Error;
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('the-secret');
  });

  it('refuses a key and the certificate of another', async () => {
    const [one, other] = [await selfSignedCertificate(), await selfSignedCertificate()];
    await expect(geminiServer({ tls: { key: one.key, cert: other.cert } })).rejects.toMatchObject({ code: 'gemini-server/invalid-options' });
  });

  describe('without the package node-forge', () => {
    afterEach(() => {
      vi.doUnmock('node:module');
      vi.resetModules();
    });

    it('says what it takes to make a certificate', async () => {
      vi.resetModules();
      vi.doMock('node:module', () => ({
        createRequire: () => () => {
          throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
        },
      }));
      const { selfSignedCertificate: without } = await import('../../../src/testing/gemini-server/certificate.js');
      await expect(without()).rejects.toThrow('testing/missing-peer: expected the package node-forge (^1.4) for tls: true, or tls: { key, cert }');
    });
  });
});
