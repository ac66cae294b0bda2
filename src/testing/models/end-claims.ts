/** What must hold of the end of an actor that tells it: a stream, an interaction, a conversation. */
import { reasonOfOutput } from '../../../machines/supervision/exit.js';

/** What is looked at. */
interface Ended<Snapshot> {
  readonly emitted: readonly { readonly type: string }[];
  readonly snapshot: Snapshot;
}

/** The innermost name of a state. */
export function innermost(value: unknown): string {
  let inner = value;
  while (typeof inner === 'object' && inner !== null) inner = Object.values(inner)[0];
  return String(inner);
}

/**
 * The claim that it tells exactly one end, and nothing after it.
 * @param ends  the facts that are ends, by the phase that tells each
 */
export function tellsOneEnd<Snapshot>(ends: Readonly<Record<string, string>>, phaseOf: (snapshot: Snapshot) => string) {
  return ({ emitted, snapshot }: Ended<Snapshot>): string | undefined => {
    const told = emitted.filter(({ type }) => Object.values(ends).includes(type));
    const wanted = ends[phaseOf(snapshot)];
    if (wanted === undefined) return told[0]?.type;
    return told.length === 1 && told[0]?.type === wanted && emitted.at(-1) === told[0] ? undefined : `told ${told.map(({ type }) => type).join()}`;
  };
}

/**
 * The claim that its output is the end that it told, and its exit fits.
 * @param exitOf  the reason that it must exit with, once it is done
 */
export function outputIsItsEnd<Seen extends Ended<{ readonly status: string; readonly output?: unknown }>>(exitOf: (seen: Seen) => unknown) {
  return (seen: Seen): string | undefined => {
    const { status, output } = seen.snapshot as { status: string; output?: { readonly end?: unknown } };
    if (status !== 'done') return undefined;
    if (JSON.stringify(output?.end) !== JSON.stringify(seen.emitted.at(-1))) return JSON.stringify(output?.end);
    const reason = reasonOfOutput(output);
    return JSON.stringify(reason) === JSON.stringify(exitOf(seen)) ? undefined : `it exits with ${JSON.stringify(reason)}`;
  };
}
