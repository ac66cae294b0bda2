/** Which states of a recorded machine a state value names. */
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { stateParts } from '../../wire/recording/state-value.js';

/** The states of a definition that a state value names, the machine first; undefined where it names one that is not there, or none where one must be. */
export function activeStates(definition: RecordedChart, value: Portable | undefined): readonly RecordedChart[] | undefined {
  const found: RecordedChart[] = [];
  return isIn(definition, value, found) ? found : undefined;
}

function isIn(state: RecordedChart, value: Portable | undefined, found: RecordedChart[]): boolean {
  found.push(state);
  const parts = stateParts(value);
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
  return typeof value === 'string' ? value : Object.fromEntries((stateParts(value) ?? []).map(([key, inner]) => [key, bareValue(inner)]));
}
