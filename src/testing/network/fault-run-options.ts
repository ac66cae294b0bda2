/** Options of a fault run, looked at before anything starts. */
import { refuse, requireCount, requireKeys, requireMs } from '../world/options.js';
import type { FaultWorld } from './fault-run.js';
import { type NetworkOptions, requireNetworkOptions } from './network-options.js';
import type { SimulatedNetwork } from './network.js';
import { requireSchedule } from './schedule-checks.js';
import { type NetworkFaultKind, networkFaultKinds, type Schedule } from './schedule.js';

/** Options of {@link faultRun}. */
export interface FaultRunOptions<World extends FaultWorld> {
  /** A whole number: the same run for the same seed. Default 1. */
  readonly seed?: number;
  readonly nodes: readonly string[] | number;
  /** Faults and operations together. Default 30. */
  readonly steps?: number;
  /** Which faults, or their weights. Default all, each alike. */
  readonly faults?: readonly NetworkFaultKind[] | Readonly<Partial<Record<NetworkFaultKind, number>>>;
  /** The share of faults among the steps, 0 to 1. Default 0.3. */
  readonly faultShare?: number;
  /** Nodes that are not paused or crashed, and whose clocks are right; their links are struck as all are. */
  readonly spared?: readonly string[];
  /** Ms between two steps at most. Default 200. */
  readonly mostGapMs?: number;
  /** Ms that a fault lasts at most, or that a clock jumps. Default 2 000. */
  readonly mostFaultMs?: number;
  /** Ms that the network runs on after it was healed, where the world has no `progress`. Default 1 000. */
  readonly restMs?: number;
  /** Runs that making a failing schedule short may take. Default 1 000. */
  readonly mostShrinkRuns?: number;
  /** Its links, inboxes and limits. */
  readonly network?: Omit<NetworkOptions, 'nodes' | 'seed' | 'isCalm'>;
  /** Boots the nodes, and says what clients do there. Called once for each run; what it keeps is gone with the run. */
  readonly world: (network: SimulatedNetwork) => World;
  /** What must hold after every event, by name: the problem, or undefined. What it throws is a problem, too. */
  readonly invariants: Readonly<Record<string, (world: World, network: SimulatedNetwork) => string | undefined>>;
  /** Instead of the one that the seed draws: one that a failure has reported. It is not made shorter. */
  readonly schedule?: Schedule;
}

const keys: readonly (keyof FaultRunOptions<FaultWorld>)[] = [
  ...(['seed', 'nodes', 'steps', 'faults', 'faultShare', 'spared', 'mostGapMs', 'mostFaultMs'] as const),
  ...(['restMs', 'mostShrinkRuns', 'network', 'world', 'invariants', 'schedule'] as const),
];

/** @throws EspalierError `testing/invalid-options` for the first fault */
export function requireFaultRun<World extends FaultWorld>(options: FaultRunOptions<World>): void {
  requireKeys(options, keys, 'the options of `faultRun`');
  const { seed = 1, nodes, steps = 1, faults = [], faultShare = 0, spared = [], network = {}, world, invariants, schedule } = options;
  requireKeys(network, ['links', 'inbox', 'mostCalls', 'mostInFlight', 'mostEvents', 'maxTraceLines'], '`network`');
  requireNetworkOptions({ ...network, seed, nodes });
  requireCount(steps, 'steps', 0);
  const kinds = Array.isArray(faults) ? (faults as readonly unknown[]) : Object.keys(faults);
  for (const kind of kinds) {
    if (!networkFaultKinds.includes(kind as NetworkFaultKind)) refuse(`\`faults\` out of ${networkFaultKinds.join(', ')}`, kind);
  }
  if (!(faultShare >= 0 && faultShare <= 1)) refuse('`faultShare`, 0 to 1', faultShare);
  const names = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, index) => `n${index + 1}`) : nodes;
  for (const name of spared) if (!names.includes(name)) refuse(`\`spared\` out of the nodes ${names.join(', ')}`, name);
  for (const name of ['mostGapMs', 'mostFaultMs', 'restMs'] as const) if (options[name] !== undefined) requireMs(options[name], name);
  if (options.mostShrinkRuns !== undefined) requireCount(options.mostShrinkRuns, 'mostShrinkRuns', 0);
  if (typeof world !== 'function') refuse('`world`, a function that boots the nodes', world);
  if (typeof invariants !== 'object' || Object.values(invariants).some((holds) => typeof holds !== 'function')) {
    refuse('`invariants`, functions by name', invariants);
  }
  if (schedule !== undefined) requireSchedule(schedule, names);
}
