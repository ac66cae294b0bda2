/** What is done to a network, and on it, in one run: data, drawn from a seed, that can be written down, made shorter, and run again. */
import type { Chance } from '../world/chance.js';
import type { EndFault, SimulatedNetwork } from './network.js';
import { shownMs } from './network-trace.js';
import type { SimulatedNode } from './node.js';

/**
 * One fault. It ends by itself after `forMs`: a crashed node starts again then.
 *
 * - `partition`: nothing passes between the two sides; `oneWay`: nothing from the first to the second.
 * - `pause`: the process stands still. `crash`: its memory is gone.
 * - `clockJump`: the monotonic clock jumps ahead. `wallJump`: the wall clock, ahead or back. `drift`: both go `rate` times as fast.
 * - `drop`, `duplicate`, `reorder`, each with a chance, and `slow`: of the messages of one link in one direction.
 */
export type NetworkFault =
  | {
      readonly fault: 'partition';
      readonly sides: readonly [readonly string[], readonly string[]];
      readonly oneWay: boolean;
      readonly forMs: number;
    }
  | { readonly fault: 'pause' | 'crash'; readonly node: string; readonly forMs: number }
  | { readonly fault: 'clockJump' | 'wallJump'; readonly node: string; readonly byMs: number }
  | { readonly fault: 'drift'; readonly node: string; readonly rate: number; readonly forMs: number }
  | { readonly fault: 'drop' | 'duplicate' | 'reorder'; readonly from: string; readonly to: string; readonly chance: number; readonly forMs: number }
  | { readonly fault: 'slow'; readonly from: string; readonly to: string; readonly byMs: number; readonly forMs: number };

export type NetworkFaultKind = NetworkFault['fault'];

/** Every kind of fault, in the order in which they are drawn. */
export const networkFaultKinds: readonly NetworkFaultKind[] = [
  ...(['partition', 'pause', 'crash', 'clockJump', 'wallJump'] as const),
  ...(['drift', 'drop', 'duplicate', 'reorder', 'slow'] as const),
];

/** Something that a client does on a node; `name` is one of the world's operations. */
export interface OperationStep {
  readonly operation: string;
  readonly node: string;
  readonly input?: unknown;
}

/** One step, at a moment of the run, ms. */
export type ScheduleStep = { readonly atMs: number } & (NetworkFault | OperationStep);

/** All of one run. With its seed it is the same run. */
export interface Schedule {
  /** The links do nothing to messages but what the steps say. */
  readonly isCalm?: boolean;
  /** In the order of their moments. */
  readonly steps: readonly ScheduleStep[];
}

/** One thing that clients do. */
export interface FaultOperation<Input = unknown> {
  /** How often it is drawn, beside the others. Default 1. */
  readonly weight?: number;
  /** Where it is done. Default on any node. */
  readonly nodes?: readonly string[];
  /** Draws what it is done with: data. Default nothing. */
  input?(chance: Chance): Input;
  /** Simpler inputs to try when a failing schedule is made simple. */
  simpler?(input: Input): readonly Input[];
  /** Does it. What it throws, or rejects with, is a failure. */
  run(node: SimulatedNode, input: Input): void | Promise<void>;
}

/** What a schedule is drawn by. */
export interface DrawOptions {
  readonly names: readonly string[];
  readonly steps: number;
  /** Weights. */
  readonly faults: readonly (readonly [NetworkFaultKind, number])[];
  /** The share of faults among the steps, 0 to 1. */
  readonly faultShare: number;
  /** Nodes that no fault of a node strikes; those of their links do. */
  readonly spared: readonly string[];
  readonly mostGapMs: number;
  readonly mostFaultMs: number;
  readonly operations: Readonly<Record<string, FaultOperation>>;
}

export function drawSchedule(chance: Chance, options: DrawOptions): Schedule {
  const { names, spared, operations } = options;
  const struck = names.filter((name) => !spared.includes(name));
  const possible = options.faults.filter(([kind]) => (needsTwo(kind) ? names.length > 1 : struck.length > 0));
  const offered = Object.entries(operations).map(([name, { weight = 1 }]) => [name, weight] as const);
  const steps: ScheduleStep[] = [];
  let atMs = 0;
  for (let count = 0; count < options.steps; count++) {
    atMs += whole(chance, 0, options.mostGapMs);
    const isFault = chance.next() < options.faultShare;
    if ((isFault && possible.length > 0) || offered.length === 0) {
      const kind = weighed(chance, possible);
      if (kind !== undefined) steps.push({ atMs, ...drawFault(chance, kind, { ...options, struck }) });
      continue;
    }
    const name = weighed(chance, offered) as string;
    const { nodes = names, input } = operations[name] as FaultOperation;
    const node = chance.pick(nodes);
    steps.push({
      atMs,
      operation: name,
      node,
      ...(input === undefined ? {} : { input: (operations[name] as Required<FaultOperation>).input(chance) }),
    });
  }
  return { steps };
}

function needsTwo(kind: NetworkFaultKind): boolean {
  return ['partition', 'drop', 'duplicate', 'reorder', 'slow'].includes(kind);
}

function drawFault(
  chance: Chance,
  fault: NetworkFaultKind,
  { names, struck, mostFaultMs }: Pick<DrawOptions, 'names' | 'mostFaultMs'> & { readonly struck: readonly string[] },
): NetworkFault {
  const forMs = whole(chance, 1, mostFaultMs);
  switch (fault) {
    case 'partition': {
      const mixed = shuffled(chance, names);
      const cut = whole(chance, 1, names.length - 1);
      return { fault, sides: [mixed.slice(0, cut), mixed.slice(cut)], oneWay: chance.next() < 0.3, forMs };
    }
    case 'pause':
    case 'crash':
      return { fault, node: chance.pick(struck), forMs };
    case 'clockJump':
      return { fault, node: chance.pick(struck), byMs: forMs };
    case 'wallJump':
      return { fault, node: chance.pick(struck), byMs: chance.next() < 0.5 ? forMs : -forMs };
    case 'drift':
      return { fault, node: chance.pick(struck), rate: chance.pick([0.5, 0.9, 1.1, 2]), forMs };
    default: {
      const [from, to] = shuffled(chance, names) as [string, string];
      if (fault === 'slow') return { fault, from, to, byMs: whole(chance, 1, mostFaultMs), forMs };
      return { fault, from, to, chance: chance.pick([0.2, 0.5, 1]), forMs };
    }
  }
}

function whole(chance: Chance, least: number, most: number): number {
  return least + Math.floor(chance.next() * (most - least + 1));
}

function shuffled(chance: Chance, names: readonly string[]): string[] {
  const left = [...names];
  return names.map(() => left.splice(Math.floor(chance.next() * left.length), 1)[0] as string);
}

function weighed<Item>(chance: Chance, items: readonly (readonly [Item, number])[]): Item | undefined {
  let rest = chance.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
  return (items.find(([, weight]) => (rest -= weight) < 0) ?? items.at(-1))?.[0];
}

/** Strikes. @returns ends it; nothing for what is over at once */
export function strike(network: SimulatedNetwork, step: NetworkFault): EndFault | undefined {
  switch (step.fault) {
    case 'partition':
      return network.partition(...step.sides, { oneWay: step.oneWay });
    case 'pause':
      return network.pause(step.node);
    case 'crash':
      return network.crash(step.node);
    case 'clockJump':
      network.jumpClock(step.node, step.byMs);
      return undefined;
    case 'wallJump':
      network.jumpWall(step.node, step.byMs);
      return undefined;
    case 'drift':
      return network.drift(step.node, step.rate);
    case 'slow':
      return network.disturb(step.from, step.to, { slowerMs: step.byMs });
    default:
      return network.disturb(step.from, step.to, { [step.fault]: step.chance });
  }
}

/** A step in words: `120 ms  partition a | b, c for 500 ms`. */
export function stepText(step: ScheduleStep): string {
  const at = `${shownMs(step.atMs)} ms`;
  const text = 'fault' in step ? faultText(step) : operationText(step);
  return `${at.padStart(9)}  ${text}${'forMs' in step ? ` for ${shownMs(step.forMs)} ms` : ''}`;
}

/** What a client does, in words: `vote on a {"for":"b"}`. */
export function operationText({ operation, node, input }: OperationStep): string {
  return `${operation} on ${node}${input === undefined ? '' : ` ${JSON.stringify(input)}`}`;
}

function faultText(step: NetworkFault): string {
  if (step.fault === 'partition') return `partition ${step.sides[0].join(', ')} ${step.oneWay ? '↛' : '|'} ${step.sides[1].join(', ')}`;
  const where = 'node' in step ? step.node : `${step.from} → ${step.to}`;
  const how = 'chance' in step ? ` with chance ${step.chance}` : 'byMs' in step ? ` by ${step.byMs} ms` : 'rate' in step ? ` × ${step.rate}` : '';
  return `${step.fault} ${where}${how}`;
}
