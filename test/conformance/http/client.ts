/** What is played through: a client, as the harness sees it. One small adapter for each kind of request. */
import type { RecordedRequest } from '../../../src/testing/gemini-server/http/recording.js';

/** What is to be asked, and whether for events: of a recording without its request as far as the answer tells. */
export interface Asking extends RecordedRequest {
  readonly isStreamed: boolean;
}

/** What an app was told of one request. */
export interface Heard {
  /** As they came, in order; of a request that is answered whole there are none. */
  readonly events: readonly unknown[];
  /** What it comes to; of a failure what came of it, null where the client gives nothing. */
  readonly answer: { readonly [field: string]: unknown } | null;
  readonly end: HeardEnd;
  /** What else of it an app can look at: the key must not stand there either. */
  readonly leftovers?: string;
}

export type HeardEnd =
  | { readonly ok: true; readonly outcome: string }
  | {
      readonly ok: false;
      readonly kind: string;
      readonly code: number | string;
      readonly status: string;
      readonly message: string;
      readonly details?: readonly unknown[];
      readonly retryAfterMs?: number;
    };

/** Asks what a recording asked, at the server under this URL. Never rejects for what the server answers. */
export type Client = (request: Asking, url: string) => Promise<Heard>;

/** The key that all of them show; it must turn up in nothing that an app sees, nor its beginning. */
export const key = 'k3y-9Zq7-conformance-0123456789';

/** What stands where the key stood. */
export const blot = '[hidden]';

/** Where a client asks, by what key. One attempt: a recording answers once. */
export function addressOf({ apiVersion, service }: Asking, baseUrl: string) {
  const common = { baseUrl, ...(apiVersion === null ? {} : { apiVersion }), retry: { attempts: 1 }, headers: { connection: 'close' } };
  if (service !== 'vertex') return { ...common, apiKey: key };
  return { ...common, vertex: { project: 'recorded', location: 'us-central1', accessToken: key } };
}

/**
 * Reads a stream to its end, and holds its loop to what it says of its end.
 * @throws Error where they differ
 */
export async function follow<Outcome extends { readonly ok: boolean }>(
  stream: AsyncIterable<unknown> & { ended(): Promise<Outcome>; readonly ref: { getPersistedSnapshot(): unknown } },
): Promise<{ readonly events: readonly unknown[]; readonly outcome: Outcome; readonly leftovers: string }> {
  const events: unknown[] = [];
  let thrown: string | null = null;
  try {
    for await (const event of stream) events.push(event);
  } catch (error) {
    thrown = String((error as { code?: unknown }).code);
  }
  const outcome = await stream.ended();
  if (thrown !== (outcome.ok ? null : 'stream/ended'))
    throw new Error(`the loop ended by ${thrown}, the stream by ${JSON.stringify(outcome).slice(0, 200)}`);
  return { events, outcome, leftovers: JSON.stringify(stream.ref.getPersistedSnapshot()) };
}
