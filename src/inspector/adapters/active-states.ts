/** Which states of a recorded machine a state value names. */
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

/** The states of a definition that a state value names, the machine first; undefined where it names one that is not there, or none where one must be. */
export function activeStates(definition: RecordedChart, value: Portable | undefined): readonly RecordedChart[] | undefined {
  const found: RecordedChart[] = [];
  return isIn(definition, value, found) ? found : undefined;
}

function isIn(state: RecordedChart, value: Portable | undefined, found: RecordedChart[]): boolean {
  found.push(state);
  const parts = partsOf(value);
  if (parts === undefined) return false;
  if (state.type === 'parallel') {
    const regions = state.states.filter(({ type }) => type !== 'history');
    return (
      regions.length === parts.length && regions.every((region) => parts.some(([key, inner]) => key === region.key && isIn(region, inner, found)))
    );
  }
  if (state.type !== 'compound') return parts.length === 0;
  const [first, ...rest] = parts;
  const child = first === undefined || rest.length > 0 ? undefined : state.states.find(({ key, type }) => key === first[0] && type !== 'history');
  return child !== undefined && isIn(child, first?.[1], found);
}

/** A state value without the marks that keys beginning with `$` need. Only for one whose {@link activeStates} are known. */
export function bareValue(value: Portable): Portable {
  return typeof value === 'string' ? value : Object.fromEntries((partsOf(value) ?? []).map(([key, inner]) => [key, bareValue(inner)]));
}

/** `'a'` and `{ a: {} }` are the same. Undefined where it is no state value, or was cut. */
function partsOf(value: Portable | undefined): readonly (readonly [string, Portable])[] | undefined {
  if (value === undefined) return [];
  if (typeof value === 'string') return [[value, {}]];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const record = value as { readonly [key: string]: Portable };
  if ('$object' in record) return Object.entries(record.$object as { readonly [key: string]: Portable });
  return Object.keys(record).some((key) => key.startsWith('$')) ? undefined : Object.entries(record);
}
