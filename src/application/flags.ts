/** Feature flags: which of an application's services run supervised, and which are off, decided once, at the start. */
import { isPlainObject, sortOf } from '../option-checks.js';
import { invalid, refusal } from './refusal.js';

/** The variable of the environment that is laid over an application's `flags`: `health,-telemetry` turns one on and one off. */
export const flagsVariable = 'ESPALIER_FLAGS';

export type Flags = Readonly<Record<string, boolean>>;

/**
 * Every flag that services name, on or off. What nobody says is on.
 * @param known  the flags that services name
 * @param given  of the app's own code
 * @param text   of the environment, over them
 * @throws EspalierError `application/unknown-flag`, with the flags that there are; `application/invalid-options`
 */
export function readFlags(known: readonly string[], given: unknown, text: unknown): Flags {
  if (given !== undefined && !isPlainObject(given)) throw invalid('flags', 'an object of true and false', sortOf(given));
  if (text !== undefined && typeof text !== 'string') throw invalid(`env.${flagsVariable}`, 'a text', sortOf(text));
  const read: Record<string, boolean> = Object.fromEntries(known.map((name) => [name, true]));
  const set = (name: string, isOn: unknown, where: string): void => {
    if (!known.includes(name))
      throw refusal('application/unknown-flag', `${where}: ${known.length === 0 ? 'no flags, for no service has one' : known.join(', ')}`, name);
    if (typeof isOn !== 'boolean') throw invalid(`flags.${name}`, 'true or false', sortOf(isOn));
    read[name] = isOn;
  };
  for (const [name, isOn] of Object.entries(given ?? {})) set(name, isOn, 'flags');
  for (const part of (text ?? '').split(',')) {
    const word = part.trim();
    if (word !== '') set(word.replace(/^[-+]/u, ''), !word.startsWith('-'), flagsVariable);
  }
  return read;
}
