/** What has a quick way and a sure one takes the sure one where XState has changed. That is said once: nothing else of an app would show it but its speed. */

const said = new Set<string>();

/** What of `process` says it; a browser has none. */
interface Warning {
  emitWarning?(text: string, options: { readonly type: string; readonly code: string; readonly detail: string }): void;
}

const detail = 'What they do is the same, and slower. Install an XState of the range that the package names as its peer.';

/**
 * Warns the process, once for each text.
 * @param code  what an app knows the warning by: charts run interpreted, or tasks are actors in full
 * @param text  who takes the sure way, and what of XState is other than the quick one is made for
 */
export function warnOfFallback(code: 'ESPALIER_INTERPRETED' | 'ESPALIER_FULL_LANE', text: string): void {
  if (said.has(text)) return;
  said.add(text);
  const { process } = globalThis as { readonly process?: Warning };
  if (process?.emitWarning !== undefined) process.emitWarning(text, { type: 'EspalierWarning', code, detail });
  // oxlint-disable-next-line no-console -- where there is no process to warn
  else console.warn(`espalier: ${text}. ${detail}`);
}
