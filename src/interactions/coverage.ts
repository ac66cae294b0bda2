/**
 * Whether the steps of an answer hold what events have told before it: the same calls, media of each kind, and a text that goes on as it began. A medium
 * may come in several pieces, so they are not counted.
 */
import type { InteractionStep } from '../wire/gemini/interactions.js';
import { mediaIn, textIn } from '../wire/gemini/interactions-steps.js';
import { blot, hideIn, isBeginning, type Secrets } from '../wire/secrets.js';

/** How the steps were seen. */
export interface Seen {
  /** From the first one on? Else their text may begin anywhere. */
  readonly isFromStart: boolean;
  /** Hidden in what was told; not yet in what came in pieces. */
  readonly secrets: Secrets;
}

/** @param seen  put together from events, the last perhaps not to its end. @throws never */
export function covers(told: readonly InteractionStep[], seen: readonly InteractionStep[], { isFromStart, secrets }: Seen): boolean {
  const [whole, read] = [hideIn(textIn(told), secrets), hideIn(textIn(seen), secrets)];
  const hasText = isFromStart ? goesOn(whole, read, secrets) : whole.includes(read);
  return hasText && hasEach(callsOf(told), callsOf(seen), isSameCall) && mediaIn(seen).every((kind) => mediaIn(told).includes(kind));
}

/** Does the text begin with what was read? Where that ends in the middle of a secret, the text has the whole of it, hidden. */
function goesOn(whole: string, read: string, secrets: Secrets): boolean {
  if (whole.startsWith(read)) return true;
  let at = 0;
  while (whole.charCodeAt(at) === read.charCodeAt(at)) at++;
  return whole.startsWith(blot, at) && isBeginning(read.slice(at), secrets);
}

type Call = Readonly<Record<'id' | 'name', unknown>>;

function callsOf(steps: readonly InteractionStep[]): readonly Call[] {
  return steps.filter(({ type }) => type === 'function_call').map((step) => ({ id: step['id'], name: step['name'] }));
}

/** Of a call that did not come from its start, neither is known. */
function isSameCall(told: Call, seen: Call): boolean {
  return (['id', 'name'] as const).every((field) => (seen[field] ?? '') === '' || seen[field] === told[field]);
}

/** Is there one for each of those that were seen? */
function hasEach<One>(told: readonly One[], seen: readonly One[], isSame: (told: One, seen: One) => boolean): boolean {
  const left = [...told];
  return seen.every((one) => {
    const index = left.findIndex((other) => isSame(other, one));
    if (index >= 0) left.splice(index, 1);
    return index >= 0;
  });
}
