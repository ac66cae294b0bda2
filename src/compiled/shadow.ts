/**
 * A machine's shadow: the same states and targets, with markers in place of everything that the app wrote. XState itself steps through it, and the
 * markers tell which nodes it left and entered, in its order. So the tables hold what XState does, and no second reading of SCXML.
 */
import { createMachine, initialTransition, transition, type AnyStateMachine, type EventObject } from 'xstate';

import { rootOf, type Node, type Parts, type Transition } from './xstate-parts.js';

/** A node that is entered, and whether by default: then the actions of its `initial` run too. */
export interface Entered {
  readonly node: Node;
  readonly byDefault: boolean;
}

/** What XState did in one microstep. */
export interface Walk {
  /** In the order in which they were left. */
  readonly exited: readonly Node[];
  /** In the order in which they were entered. */
  readonly entered: readonly Entered[];
}

interface StepEvent extends EventObject {
  readonly type: 'step';
  readonly taken: ReadonlySet<number>;
}

interface Marker {
  readonly type: 'left' | 'took' | 'entered' | 'byDefault';
  readonly params: { readonly order: number };
}

type ShadowConfig = Record<string, unknown>;

/** One machine, to be stepped through without effects. */
export class Shadow {
  /** By `order`. */
  readonly nodes: readonly Node[];
  readonly #source: AnyStateMachine;
  readonly #machine: AnyStateMachine;
  readonly #numbers = new Map<Transition, number>();

  constructor(machine: AnyStateMachine) {
    const root = rootOf(machine);
    this.#source = machine;
    this.nodes = nodesBelow(root);
    for (const node of this.nodes) for (const own of transitionsOf(node)) this.#numbers.set(own, this.#numbers.size);
    this.#machine = createMachine(this.#configOf(root) as never) as AnyStateMachine;
  }

  #configOf(node: Node): ShadowConfig {
    const { initial, target } = node.config;
    const mark = (type: Marker['type']): Marker => ({ type, params: { order: node.order } });
    if (node.type === 'history') {
      const targets = [target ?? []].flat().map((to) => (to.startsWith('#') ? `#${idOf(this.#source.getStateNodeById(to) as unknown as Node)}` : to));
      return { id: idOf(node), type: 'history', history: node.history, ...(targets.length === 0 ? {} : { target: targets }) };
    }
    const steps = transitionsOf(node).map((own) => {
      const number = this.#numbers.get(own) as number;
      return {
        guard: ({ event }: { event: StepEvent }) => event.taken.has(number),
        ...(own.target === undefined ? {} : { target: own.target.map((to) => `#${idOf(to)}`) }),
        reenter: own.reenter,
        actions: { type: 'took', params: { order: number } },
      };
    });
    const key = typeof initial === 'object' ? initial.target : initial;
    return {
      id: idOf(node),
      type: node.type,
      entry: mark('entered'),
      exit: mark('left'),
      ...(steps.length === 0 ? {} : { on: { step: steps } }),
      ...(key === undefined ? {} : { initial: { target: key, actions: mark('byDefault') } }),
      ...(node.type === 'compound' || node.type === 'parallel'
        ? { states: Object.fromEntries(Object.entries(node.states).map(([name, below]) => [name, this.#configOf(below)])) }
        : {}),
    };
  }

  /** What XState does at the start. */
  begin(): Walk {
    const [, markers] = initialTransition(this.#machine);
    return this.#walkOf(markers);
  }

  /** What XState does with these transitions in the smallest configuration in which the node is active. */
  stepFrom(node: Node, taken: readonly Transition[]): Walk & { readonly before: readonly Node[] } {
    const snapshot = this.#machine.resolveState({ value: valueOf(node.path) } as never);
    return { ...this.#step(snapshot, taken), before: this.#mapped((snapshot as unknown as Parts)._nodes) };
  }

  /** What XState does with these transitions in a configuration with a history. */
  step({ _nodes: nodes, value, historyValue }: Parts, taken: readonly Transition[]): Walk {
    const resolved = this.#machine.resolveState({ value } as never);
    const own = this.#ownNodes();
    const history = Object.fromEntries(
      Object.entries(historyValue).map(([id, kept]) => [
        idOf(this.nodes.find((node) => node.id === id) as Node),
        kept.map(({ order }) => own[order]),
      ]),
    );
    return this.#step({ ...resolved, _nodes: nodes.map(({ order }) => own[order]), historyValue: history } as never, taken);
  }

  #step(snapshot: ReturnType<AnyStateMachine['resolveState']>, taken: readonly Transition[]): Walk {
    const event: StepEvent = { type: 'step', taken: new Set(taken.map((one) => this.#numbers.get(one) as number)) };
    const [, markers] = transition(this.#machine, snapshot, event as never);
    return this.#walkOf(markers);
  }

  #walkOf(markers: readonly unknown[]): Walk {
    const exited: Node[] = [];
    const entered: { node: Node; byDefault: boolean }[] = [];
    for (const { type, params } of markers as readonly Marker[]) {
      const node = this.nodes[params.order] as Node;
      // At a top-level final state XState leaves everything again; that is the end, not this step.
      if (type === 'left' && entered.length === 0) exited.push(node);
      if (type === 'entered') entered.push({ node, byDefault: false });
      if (type === 'byDefault' && entered.at(-1)?.node === node) (entered.at(-1) as { byDefault: boolean }).byDefault = true;
    }
    return { exited, entered };
  }

  #ownNodes(): readonly Node[] {
    return nodesBelow(rootOf(this.#machine));
  }

  #mapped(own: readonly Node[]): readonly Node[] {
    return own.map(({ order }) => this.nodes[order] as Node);
  }
}

/** The transitions of a node, those that need no event last. */
export function transitionsOf({ transitions, always }: Node): readonly Transition[] {
  return [...[...transitions.values()].flat(), ...(always ?? [])];
}

/** A node and all below it, in the order of the definition. */
export function nodesBelow(root: Node): readonly Node[] {
  const found: Node[] = [];
  const visit = (node: Node): void => {
    found[node.order] = node;
    for (const below of Object.values(node.states)) visit(below);
  };
  visit(root);
  return found;
}

/** One that no dot can spoil. */
function idOf({ order }: Node): string {
  return `n${order}`;
}

function valueOf(path: readonly string[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return {};
  return rest.length === 0 ? first : { [first]: valueOf(rest) };
}
