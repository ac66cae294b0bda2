/**
 * A certificate that nobody has signed but itself, for clients that insist on `wss:` (Python's does).
 *
 * Node makes keys but no certificates. The library that does is an optional peer, loaded when one is asked for; it has no dependencies and no
 * install script.
 */
import { generateKeyPair } from 'node:crypto';
import { createRequire } from 'node:module';

import { EspalierError } from '../../errors.js';

/** Both in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** What is used of node-forge, which brings no types. */
interface Forge {
  readonly md: { readonly sha256: { create(): object } };
  readonly pki: {
    privateKeyFromPem(pem: string): object;
    publicKeyFromPem(pem: string): object;
    createCertificate(): ForgeCertificate;
    certificateToPem(certificate: ForgeCertificate): string;
  };
}
interface ForgeCertificate {
  publicKey: object;
  serialNumber: string;
  readonly validity: { notBefore: Date; notAfter: Date };
  setSubject(attributes: readonly object[]): void;
  setIssuer(attributes: readonly object[]): void;
  setExtensions(extensions: readonly object[]): void;
  sign(key: object, digest: object): void;
}

/** A day before now, for clocks that are late, and how long it is good, ms. */
const dayMs = 86_400_000;
const validMs = 365 * dayMs;

/**
 * Makes a key and a certificate for `localhost`, `127.0.0.1` and `::1`, good for a year.
 * @throws EspalierError `testing/missing-peer` (as rejection) where the package node-forge is not installed
 */
export async function selfSignedCertificate(): Promise<Certificate> {
  const { md, pki } = loadForge();
  const { publicKey, privateKey } = await keyPair();
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - dayMs);
  certificate.validity.notAfter = new Date(Date.now() + validMs);
  const name = [{ name: 'commonName', value: 'Espalier local Gemini server' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    // Its own authority: a client that trusts it needs no other.
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: 'localhost' },
        { type: 7, ip: '127.0.0.1' },
        { type: 7, ip: '::1' },
      ],
    },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(pki.privateKeyFromPem(privateKey), md.sha256.create());
  return { key: privateKey, cert: pki.certificateToPem(certificate) };
}

/** An RSA pair in PEM: node-forge signs with no other. */
function keyPair(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', { modulusLength: 2048, publicKeyEncoding, privateKeyEncoding }, (error, publicKey, privateKey) => {
      if (error === null) resolve({ publicKey, privateKey });
      else reject(error);
    });
  });
}

function loadForge(): Forge {
  try {
    return createRequire(import.meta.url)('node-forge') as Forge;
  } catch (cause) {
    const expected = 'the package node-forge (^1.4) for tls: true, or tls: { key, cert }: npm install --save-dev node-forge';
    throw new EspalierError('testing/missing-peer', { expected, got: String((cause as { code?: unknown }).code) }, { cause });
  }
}
