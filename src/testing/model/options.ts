/** The options of the kit's functions: every key is known, every number finite. */
import { EspalierError } from '../../errors.js';

/** How an option must be: a whole number from that on, or one of the plain kinds. */
type Rule = { readonly least: number } | 'boolean' | 'machine' | 'table' | 'list' | 'names' | 'start';

/**
 * Refuses options that do not mean anything.
 * @param caller  the function, for the message
 * @throws EspalierError `testing/invalid-options`
 */
export function checkOptions(caller: string, options: unknown, rules: Readonly<Record<string, Rule>>): void {
  const refuse = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected: `${caller}: ${expected}`, got });
  };
  if (typeof options !== 'object' || options === null) return refuse('an object of options', options);
  for (const [key, value] of Object.entries(options)) {
    const rule = rules[key];
    if (rule === undefined) return refuse(`options out of ${Object.keys(rules).join(', ')}`, key);
    if (value === undefined) continue;
    if (typeof rule === 'object') {
      if (!Number.isSafeInteger(value) || (value as number) < rule.least) refuse(`\`${key}\`, a whole number from ${rule.least} on`, value);
    } else if (rule === 'boolean' && typeof value !== 'boolean') refuse(`\`${key}\`, true or false`, value);
    else if (rule === 'start' && typeof value !== 'string') refuse(`\`${key}\`, the name of an input`, value);
    else if (rule === 'names' && !(Array.isArray(value) && value.every((one) => typeof one === 'string')))
      refuse(`\`${key}\`, a list of names`, value);
    else if (rule === 'list' && !Array.isArray(value)) refuse(`\`${key}\`, a list`, value);
    else if (rule === 'table' && (typeof value !== 'object' || value === null)) refuse(`\`${key}\`, an object`, value);
    else if (rule === 'machine' && (typeof value !== 'object' || value === null || !('root' in value))) {
      refuse(`\`${key}\`, a machine of XState`, typeof value);
    }
  }
}

/** For `against` and `machine`, which most functions take. */
export const subjectRules = { machine: 'machine', against: 'boolean' } as const;
