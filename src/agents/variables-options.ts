/** What shared variables are made with, and how one is defined: what is given, what is the default, and what is refused. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Requests } from '../comms/port.js';
import { EspalierError } from '../errors.js';
import { isObject, optionChecks, shownName, sortOf } from '../option-checks.js';

/** How shared variables are kept. */
export interface VariablesOptions {
  /** Default 1 000, at most 1 000 000. */
  readonly maxVariables?: number;
  /** Versions of each variable that are remembered. Default 100, at most 10 000. */
  readonly history?: number;
  /** Of all variables together. Default 10 000, at most 1 000 000. */
  readonly maxSubscribers?: number;
  /** Coordinations under way at once. Default 100, at most 10 000. */
  readonly maxCoordinations?: number;
  /** Who asks agents: comms, as `coordinate` needs them. */
  readonly requests?: Requests;
}

/** The same with its defaults filled in. */
export type VariablesPlan = Required<Omit<VariablesOptions, 'requests'>> & { readonly requests: Requests | null };

/** What a merge is given beside the two values. */
export interface MergeScope {
  /** The value that the writer had read; undefined where it named no version, or that is forgotten. */
  readonly base: unknown;
}

/** How a variable begins, and what becomes of a write by somebody who has not seen the last one. */
export interface VariableOptions {
  /** JSON: what it would make something else of is refused, as NaN, a Map or a promise. */
  readonly value: unknown;
  /**
   * `lastWrite`: it counts, whatever it has seen. `refuse`: it must name the version that it has seen, and is refused, `conflict`, where that is not the last one.
   * `merge`: where it is not, `merge` makes the value. Default `lastWrite`.
   */
  readonly conflict?: 'lastWrite' | 'refuse' | 'merge';
  /** For `merge`. Returns JSON, and does nothing else. */
  readonly merge?: (current: unknown, given: unknown, scope: MergeScope) => unknown;
}

/** `variables/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('variables/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, requireText, duration, count } = optionChecks(invalid);

const keys = keysOf<VariablesOptions>({ maxVariables: true, history: true, maxSubscribers: true, maxCoordinations: true, requests: true });

/** @throws EspalierError `variables/invalid-options` */
export function planVariables(options: VariablesOptions): VariablesPlan {
  requireOptions('the options of shared variables', options, keys);
  const { requests = null } = options;
  if (requests !== null && (!isObject(requests) || typeof requests.request !== 'function')) throw invalid('requests', 'comms', sortOf(requests));
  return {
    maxVariables: count('maxVariables', options.maxVariables, 1_000, 1_000_000),
    history: count('history', options.history, 100, 10_000),
    maxSubscribers: count('maxSubscribers', options.maxSubscribers, 10_000, 1_000_000),
    maxCoordinations: count('maxCoordinations', options.maxCoordinations, 100, 10_000),
    requests,
  };
}

/** A copy that nobody can change; null: it is no JSON, or deeper than can be copied. @throws never */
export function keep(value: unknown): { readonly value: unknown } | null {
  try {
    const json = JSON.stringify(value, faithful) as string | undefined;
    return json === undefined ? null : { value: JSON.parse(json, (_, each: unknown) => Object.freeze(each)) as unknown };
  } catch {
    return null;
  }
}

/** Refuses what JSON would make something else of, without a word: `null` of NaN, `{}` of a Map or of the promise of a function that should not have been async. */
function faithful(this: unknown, _: string, each: unknown): unknown {
  const isKept =
    typeof each === 'number'
      ? Number.isFinite(each)
      : typeof each === 'object' && each !== null
        ? Array.isArray(each) || Object.prototype.toString.call(each) === '[object Object]'
        : each === undefined
          ? !Array.isArray(this)
          : typeof each !== 'function' && typeof each !== 'symbol';
  if (!isKept) throw new TypeError('no JSON');
  return each;
}

/** @throws EspalierError `variables/invalid-options` */
export function requireKept(value: unknown): { readonly value: unknown } {
  const kept = keep(value);
  if (kept === null) throw invalid('value', 'JSON', sortOf(value));
  return kept;
}

/** @throws EspalierError `variables/invalid-options` */
export function requireVariable(options: VariableOptions): void {
  requireOptions('a variable', options, ['value', 'conflict', 'merge']);
  const { conflict = 'lastWrite', merge } = options;
  if (!['lastWrite', 'refuse', 'merge'].includes(conflict))
    throw invalid('conflict', 'lastWrite, refuse or merge', typeof conflict === 'string' ? shownName(conflict) : sortOf(conflict));
  requireFunction('merge', merge);
  if ((conflict === 'merge') !== (merge !== undefined)) throw invalid('merge', 'a function exactly where conflict is merge', sortOf(merge));
}
