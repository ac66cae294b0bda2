/** That machines stay interpreted because XState has changed is said once: nothing else of an app would show it but its speed. */

const said = new Set<string>();

/** What of `process` says it; a browser has none. */
interface Warning {
  emitWarning?(text: string, options: { readonly type: string; readonly code: string; readonly detail: string }): void;
}

/**
 * Warns the process, with the code `ESPALIER_INTERPRETED`, once for each reason.
 * @param why  what of XState is other than its tables are made for
 */
export function sayInterpreted(why: string): void {
  if (said.has(why)) return;
  said.add(why);
  const text = `compiled charts run interpreted: ${why}`;
  const detail = 'What they do is the same, and slower. Install an XState of the range that the package names as its peer.';
  const { process } = globalThis as { readonly process?: Warning };
  if (process?.emitWarning !== undefined) process.emitWarning(text, { type: 'EspalierWarning', code: 'ESPALIER_INTERPRETED', detail });
  // oxlint-disable-next-line no-console -- where there is no process to warn
  else console.warn(`espalier: ${text}. ${detail}`);
}
