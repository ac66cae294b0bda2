/** Options of a simulated network and of its runs, looked at before anything starts. */
import { refuse, requireCount, requireKeys, requireMs } from '../world/options.js';
import { type LinkOptions, requireLink } from './link.js';

/** Options of a simulated network. */
export interface NetworkOptions {
  /** A whole number; the same seed, the same run. Default 1. */
  readonly seed?: number;
  /** Names, or how many there are: `n1`, `n2`, … */
  readonly nodes: readonly string[] | number;
  /** Of every link in both directions; `setLink` gives one direction its own. */
  readonly links?: LinkOptions;
  /** Every link takes the least of its delay and does nothing else to a message: for a failure that is to be told without noise. Default false. */
  readonly isCalm?: boolean;
  /** What waits in a node that is paused: `most` (default 1 000), and whether a full inbox refuses what comes (default) or throws out the oldest. */
  readonly inbox?: { readonly most?: number; readonly whenFull?: 'refuse' | 'dropOldest' };
  /** Calls that one process may have open; a further one throws. Default 1 000. */
  readonly mostCalls?: number;
  /** Messages under way on the whole network; further ones are lost. Default 10 000. */
  readonly mostInFlight?: number;
  /** Events of one `run`, beyond which it fails: a program that never comes to rest. Default 1 000 000. */
  readonly mostEvents?: number;
  /** Default 100 000. */
  readonly maxTraceLines?: number;
}

/** How far a network runs: for some time, or until something is true, `withinMs` (default 60 000), looked at after each event. Ms of the network. */
export type RunOptions = {
  /** Called after each event; what it throws ends the run. */
  readonly check?: (() => void) | undefined;
} & (
  | { readonly forMs: number; readonly until?: undefined; readonly withinMs?: undefined }
  | { readonly until: () => boolean; readonly withinMs?: number | undefined; readonly forMs?: undefined }
);

const keys = ['seed', 'nodes', 'links', 'isCalm', 'inbox', 'mostCalls', 'mostInFlight', 'mostEvents', 'maxTraceLines'];

/** @throws EspalierError `testing/invalid-options` for the first fault */
export function requireNetworkOptions(options: NetworkOptions): void {
  requireKeys(options, keys, 'the options of a network');
  const { seed = 1, nodes, links, isCalm = false, inbox = {} } = options;
  if (!Number.isSafeInteger(seed)) refuse('`seed` to be a whole number', seed);
  requireNodes(nodes);
  if (links !== undefined) requireLink(links, '`links`');
  if (typeof isCalm !== 'boolean') refuse('`isCalm`, true or false', isCalm);
  requireKeys(inbox, ['most', 'whenFull'], '`inbox`');
  if (inbox.most !== undefined) requireCount(inbox.most, 'inbox.most', 1);
  if (!['refuse', 'dropOldest'].includes(inbox.whenFull ?? 'refuse')) refuse('`inbox.whenFull`, refuse or dropOldest', inbox.whenFull);
  for (const name of ['mostCalls', 'mostInFlight', 'mostEvents', 'maxTraceLines'] as const) {
    if (options[name] !== undefined) requireCount(options[name], name, 1);
  }
}

function requireNodes(nodes: unknown): void {
  if (typeof nodes === 'number') {
    requireCount(nodes, 'nodes', 1);
    return;
  }
  const names: readonly unknown[] = Array.isArray(nodes) ? nodes : [];
  const areNames = names.length > 0 && names.every((name) => typeof name === 'string' && name !== '') && new Set(names).size === names.length;
  if (!areNames) refuse('`nodes`, a number, or names that differ', nodes);
}

/** @throws EspalierError `testing/invalid-options` */
export function requireRun(options: RunOptions): void {
  requireKeys(options, ['forMs', 'until', 'withinMs', 'check'], 'the options of `run`');
  const { forMs, until, withinMs } = options;
  if ((forMs === undefined) === (until === undefined)) refuse('either `forMs` or `until`', Object.keys(options));
  if (forMs !== undefined) requireMs(forMs, 'forMs');
  if (withinMs !== undefined) requireMs(withinMs, 'withinMs');
  if (until !== undefined && typeof until !== 'function') refuse('`until`, a function', until);
}
