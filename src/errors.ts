/**
 * What Espalier throws: misuse, found at the call and before anything starts. What waits for a service may reject later:
 * `createEphemeralToken` does.
 *
 * Expected outcomes (a full supervisor, a busy name, a timeout) are values, and crashes are exits; neither is thrown. Every code has a row in
 * docs/errors.md (meaning, cause, what to do), held both ways by test/errors.test.ts.
 */

/** The closed table of error codes: `domain/what-is-wrong`. */
export const errorCodes = [
  'supervision/invalid-options',
  'supervision/invalid-strategy',
  'supervision/invalid-intensity',
  'supervision/invalid-period',
  'supervision/invalid-auto-shutdown',
  'supervision/invalid-max-children',
  'supervision/invalid-max-pending',
  'supervision/invalid-init',
  'supervision/invalid-children',
  'supervision/missing-id',
  'supervision/invalid-id',
  'supervision/missing-src',
  'supervision/unknown-src',
  'supervision/reserved-actor',
  'supervision/invalid-actor',
  'supervision/invalid-input',
  'supervision/invalid-restart',
  'supervision/invalid-shutdown',
  'supervision/invalid-type',
  'supervision/invalid-significant',
  'supervision/bad-combination',
  'supervision/duplicate-child',
  'supervision/invalid-start-deadline',
  'supervision/invalid-backoff',
  'supervision/invalid-budget',
  'supervision/invalid-template',
  'supervision/invalid-partitions',
  'supervision/invalid-task',
  'supervision/invalid-drain',
  'supervision/not-a-supervisor',
  'supervision/invalid-snapshot',
  'registry/invalid-options',
  'gate/invalid-options',
  'health/invalid-options',
  'isolation/invalid-options',
  'isolation/missing-peer',
  'application/invalid-options',
  'application/duplicate-service',
  'application/missing-dependency',
  'application/cycle',
  'application/unknown-flag',
  'application/service-off',
  'application/changed',
  'application/in-use',
  'config/invalid-options',
  'config/not-loaded',
  'events/invalid-options',
  'events/invalid-event',
  'events/invalid-file',
  'events/missing-peer',
  'leader/invalid-options',
  'backend/invalid-options',
  'backend/invalid-value',
  'backend/invalid-record',
  'backend/already-read',
  'lock/invalid-options',
  'barrier/invalid-options',
  'consensus/invalid-options',
  'vector-clock/invalid-clock',
  'vector-clock/full',
  'comms/invalid-options',
  'auction/invalid-options',
  'allocation/invalid-options',
  'market/invalid-options',
  'counter/invalid-options',
  'negotiation/invalid-options',
  'delegation/invalid-options',
  'delegation/circular',
  'delegation/named-twice',
  'delegation/too-large',
  'coordination/invalid-options',
  'coordination/insufficient-agents',
  'voting/invalid-options',
  'iterative/invalid-options',
  'agents/invalid-options',
  'balancer/invalid-options',
  'variables/invalid-options',
  'telemetry/invalid-options',
  'live/invalid-options',
  'live/invalid-tool',
  'live/not-connected',
  'live/events-ended',
  'live/token-refused',
  'live/token-failed',
  'stream/invalid-options',
  'stream/ended',
  'interactions/invalid-options',
  'interactions/already-read',
  'tools/invalid-options',
  'tools/invalid-tool',
  'tools/ended',
  'recording/invalid-file',
  'recording/invalid-options',
  'inspector/invalid-options',
  'inspector/unreachable',
  'inspector/endless-sink',
  'compiled/no-machine',
  'charts/no-machine',
  'cli/usage',
  'cli/invalid-module',
  'cli/unwritable-file',
  'draw/no-machine',
  'draw/missing-peer',
  'testing/invalid-model',
  'testing/invalid-options',
  'testing/missing-peer',
  'gemini-server/invalid-options',
  'gemini-server/invalid-script',
  'gemini-server/invalid-recording',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** What was expected, what came, and (for supervision) the term that OTP would answer. */
export interface ErrorDetails {
  readonly expected: string;
  readonly got: unknown;
  /** OTP's own term for the same fault, camelCase: `['invalidShutdown', -1]`. */
  readonly term?: unknown;
}

/** Misuse of the library, or what a subclass says. The message reads "expected …, got: …" and never holds keys, tokens or query strings. */
export class EspalierError extends Error {
  override readonly name = 'EspalierError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /**
   * @param code     from the closed table
   * @param details  expectation and offending value
   * @param options  `cause`: the error beneath, where there is one
   */
  constructor(code: ErrorCode, details: ErrorDetails, options?: { cause?: unknown }) {
    super(`${code}: expected ${details.expected}, got: ${show(details.got)}`, options);
    this.code = code;
    this.details = details;
  }
}

/** Fields that a message leaves out: what a child is given, and whatever is called a secret. */
const unshown = /^(input|snapshot|context)$|key|token|secret|password|authorization|credential/iu;

/** A value as an error message shows it: one line, at most 200 characters, without what {@link unshown} names and without query strings. */
function show(value: unknown): string {
  let text: string;
  try {
    if (typeof value === 'function') text = `function ${value.name || '(anonymous)'}`;
    else if (typeof value === 'number') text = String(value);
    else text = JSON.stringify(value, (name, inner: unknown) => (name !== '' && unshown.test(name) ? '…' : inner)) ?? String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  const bare = text
    .replaceAll(/(Bearer|Token)\s+[^\s",]+/gu, '$1 …')
    .replaceAll(/(\w+:\/\/)[^\s"/@]*@/gu, '$1…@')
    .replaceAll(/(\w+:\/\/[^\s"?]+)\?[^\s"]*/gu, '$1?…');
  return bare.length > 200 ? `${bare.slice(0, 199)}…` : bare;
}
