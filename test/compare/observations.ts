/** Observations as a test writes them. */
import type { Fact, FactKind, Observation, WireFact } from '../../bench/compare/facts.js';

/** `[kind, atMs, detail?]` */
type Told = readonly [FactKind, number, string?];
/** `[what, atMs, connection?]`; an answer names its call: `answer call-1`. */
type Sent = readonly [string, number, number?];

/** What was seen of a process that lived; `exit` is the error that ended one that did not. */
export function observed(
  seen: { readonly app?: readonly Told[]; readonly wire?: readonly Sent[]; readonly exit?: string; readonly untilMs?: number } = {},
): Observation {
  const { app = [], wire = [], exit, untilMs = 4_000 } = seen;
  return {
    facts: app.map(([kind, atMs, detail = '']): Fact => ({ kind, detail, atMs })),
    wire: wire.map(([what, atMs, connection = 1]): WireFact => ({ connection, what, answers: /^answer (\S+)/.exec(what)?.slice(1) ?? [], atMs })),
    connections: Math.max(0, ...wire.map(([, , connection = 1]) => connection)),
    exit: exit === undefined ? null : { code: 1, signal: null, words: exit, atMs: 30 },
    untilMs,
  };
}
