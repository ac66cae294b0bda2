/**
 * Ephemeral tokens: made by `POST /v1alpha/auth_tokens`, shown in place of a key, good for so many sessions and for so long.
 *
 * What a token's setup locks is kept for nobody: a script decides what the server does, and `received` shows what the client asked for.
 *
 * @see Gemini API, Ephemeral tokens: uses (default 1; 0 without limit; a resume is none), expireTime (30 min, 20 h at most), newSessionExpireTime (60 s).
 *      The words and codes of refusals are those that clients of the real service report.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';

import type { Clock } from '../../supervision/clock.js';
import type { Refusal } from './connection.js';

/** Tokens that are kept; above it minting is refused with 429. */
const maxTokens = 10_000;

/** Longest life of a token, ms: 20 h. */
const longestMs = 72_000_000;

/** A token as the server keeps it. Times are monotonic ms of its clock. */
export interface EphemeralToken {
  /** `auth_tokens/…`. */
  readonly name: string;
  readonly expiresAt: number;
  readonly newSessionExpiresAt: number;
  /** Sessions that it may still start. */
  usesLeft: number;
}

/** The answer to a request for a token. */
export type Minted = { readonly ok: true; readonly body: object } | { readonly ok: false; readonly status: 400 | 429; readonly message: string };

const time = z.iso.datetime({ offset: true });
const request = z.strictObject({
  uses: z.number().int().min(0).max(1_000_000).default(1),
  expireTime: time.optional(),
  newSessionExpireTime: time.optional(),
  bidiGenerateContentSetup: z.record(z.string(), z.unknown()).optional(),
  fieldMask: z.string().optional(),
  name: z.string().optional(),
});

/** The tokens of one server. */
export class EphemeralTokens {
  readonly #clock: Clock;
  /** From ms of the clock to ms since epoch: requests and answers are in wall time, which then goes as the clock goes. */
  readonly #wallOffsetMs: number;
  readonly #tokens = new Map<string, EphemeralToken>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallOffsetMs = Date.now() - clock.now();
  }

  /** Makes a token of the body of a request, as text. */
  mint(text: string): Minted {
    let body: unknown;
    try {
      body = text.trim() === '' ? {} : JSON.parse(text);
    } catch {
      return { ok: false, status: 400, message: 'Invalid JSON payload received.' };
    }
    const read = request.safeParse(body);
    if (!read.success) {
      const [issue] = read.error.issues;
      return { ok: false, status: 400, message: `Invalid JSON payload received. ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
    }
    const now = this.#clock.now();
    const { uses, bidiGenerateContentSetup, fieldMask } = read.data;
    const expiresAt = this.#at(read.data.expireTime, now + 1_800_000);
    const newSessionExpiresAt = this.#at(read.data.newSessionExpireTime, now + 60_000);
    if (expiresAt <= now || newSessionExpiresAt <= now)
      return { ok: false, status: 400, message: 'expire_time and new_session_expire_time: in the future.' };
    if (expiresAt > now + longestMs) {
      return { ok: false, status: 400, message: 'expire_time is too far in the future. Maximum lifetime is 20h.' };
    }
    if (this.#tokens.size >= maxTokens) return { ok: false, status: 429, message: `${maxTokens} tokens are made already.` };
    const token = { name: `auth_tokens/${randomUUID()}`, expiresAt, newSessionExpiresAt, usesLeft: uses === 0 ? Number.POSITIVE_INFINITY : uses };
    this.#tokens.set(token.name, token);
    return {
      ok: true,
      body: {
        name: token.name,
        uses,
        expireTime: this.#wallTime(expiresAt),
        newSessionExpireTime: this.#wallTime(newSessionExpiresAt),
        ...(bidiGenerateContentSetup === undefined ? {} : { bidiGenerateContentSetup }),
        ...(fieldMask === undefined ? {} : { fieldMask }),
      },
    };
  }

  /** A token of this server's. */
  find(name: string): EphemeralToken | undefined {
    return this.#tokens.get(name);
  }

  /** A session begins with a token, or (`isResume`) goes on: why it may not, or null. A new one takes a use. */
  begin(token: EphemeralToken, isResume: boolean): Refusal | null {
    const now = this.#clock.now();
    if (now >= token.expiresAt) return { code: 1011, reason: 'Token has expired' };
    if (isResume) return null;
    if (now >= token.newSessionExpiresAt) return { code: 1011, reason: 'new_session_expire_time deadline exceeded' };
    if (token.usesLeft < 1) return { code: 1011, reason: 'Token has been used too many times' };
    token.usesLeft -= 1;
    return null;
  }

  #at(wallTime: string | undefined, otherwise: number): number {
    return wallTime === undefined ? otherwise : Date.parse(wallTime) - this.#wallOffsetMs;
  }

  #wallTime(at: number): string {
    return new Date(at + this.#wallOffsetMs).toISOString();
  }
}
