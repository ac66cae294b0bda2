/** What is played through: a client, as the harness sees it. One small adapter for each kind of request. */
import type { RecordedRequest } from '../../../src/testing/gemini-server/http/recording.js';
import type { Answer } from './expected.js';

/** What an app saw of one request: the payloads as they came, and the end. */
export interface Heard {
  readonly events: readonly unknown[];
  /** What it comes to, where the client puts it together. */
  readonly answer?: Answer;
  readonly end: { readonly ok: true } | { readonly ok: false; readonly code: number | string; readonly status: string; readonly message: string };
}

/** Asks what a recording asked, at the server under this URL. Never rejects for what the server answers. */
export type Client = (request: RecordedRequest, url: string) => Promise<Heard>;

/** The key that all of them show; it must turn up in nothing that an app sees. */
export const key = 'conformance-key-0123456789';
