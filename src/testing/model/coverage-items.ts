/** Everything of a machine that a test can reach, with ids that stay the same as long as the machine does. */
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { type AnyStateNode, leaves } from './taken.js';

export type CoverageKind = 'state' | 'transition' | 'guard' | 'invoke' | 'delay';

/** One thing to reach. */
export interface CoverageItem {
  /**
   * - `state <state id>`: it is entered
   * - `transition <state id> --<event>[<guard>]#<index among the candidates for that event>--> <target ids>`: it is taken
   * - `guard <transition as above> true|false`: it is evaluated so
   * - `invoke <state id> <id>(<src>) done|error|stopped`: its actor ends so; stopped by leaving the state. `<src>` alone where its id is the same, and
   *   `<src>#<index among the state's>` where it has none of its own
   * - `delay <state id> after(<delay>) fired|cancelled`: its time passes, or its state is left before
   * - `delay <machine id> raise(<event>) fired|cancelled`, `sendTo(…)` too, with ` #<send id>`: sent with a delay, it comes, or is taken back before
   */
  readonly id: string;
  readonly kind: CoverageKind;
  /** The id of the state that it belongs to: the source of a transition. */
  readonly state: string;
  /** Of a transition and of its guard: the transition's id. */
  readonly transition?: string;
}

/** One edge of a machine's definition. */
export interface Edge {
  readonly item: CoverageItem;
  readonly node: AnyStateNode;
  readonly event: string;
  readonly definition: AnyTransitionDefinition;
}

/** Every state but history, in document order. */
export function statesOf(machine: AnyStateMachine): readonly AnyStateNode[] {
  const visit = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values<AnyStateNode>(node.states).flatMap(visit)];
  return visit(machine.root).filter(({ type }) => type !== 'history');
}

/** Every transition, in document order: events, wildcards, delays, ends of actors and of states, and `always`. */
export function edgesOf(machine: AnyStateMachine): readonly Edge[] {
  return statesOf(machine).flatMap((node) => {
    const groups: [string, readonly AnyTransitionDefinition[]][] = [...node.transitions];
    if (node.always !== undefined) groups.push(['', node.always]);
    return groups.flatMap(([event, candidates]) =>
      candidates.map((definition, index): Edge => {
        const guard = definition.guard === undefined ? '' : `[${guardName(definition.guard)}]`;
        const targets = definition.target?.map((target) => target.id).join(', ') ?? '(stays)';
        const id = `transition ${node.id} --${eventName(event, node)}${guard}#${index}--> ${targets}`;
        return { item: { id, kind: 'transition', state: node.id, transition: id }, node, event, definition };
      }),
    );
  });
}

/** The two outcomes of a transition's guard. */
export function guardItems({ item, definition }: Edge): readonly CoverageItem[] {
  if (definition.guard === undefined) return [];
  return [true, false].map((is) => ({ ...item, id: guardId(item.id, is), kind: 'guard' as const }));
}

export function guardId(transition: string, outcome: boolean): string {
  return `guard ${transition.slice('transition '.length)} ${outcome}`;
}

/** How actors may end by the model's hand, by `src`. */
export type Endings = Readonly<Record<string, { readonly done: boolean; readonly error: boolean }>>;

/** How the actors that the states invoke can end: as the model says, and by leaving the state where that is possible. */
export function invokeItems(node: AnyStateNode, edges: readonly Edge[], endings: Endings): readonly CoverageItem[] {
  return invocations(node).flatMap((invocation) => {
    const own = [`done(${invocation.id})`, `error(${invocation.id})`];
    const { done = false, error = false } = endings[invocation.src] ?? {};
    // What can be done can fail, also where nobody listens: that is a crash, or a waiver says why it never comes.
    const ways = [done ? 'done' : '', done || error ? 'error' : '', canLeave(node, edges, own) ? 'stopped' : ''].filter((way) => way !== '');
    return ways.map((way): CoverageItem => ({ id: `${invocationOf(node, invocation)} ${way}`, kind: 'invoke', state: node.id }));
  });
}

/** One actor that a state invokes. */
export interface Invocation {
  readonly id: string;
  readonly src: string;
}

/** What a state invokes: XState names logic that has no name `xstate.invoke.…`. */
export function invocations(node: AnyStateNode): readonly Invocation[] {
  return node.invoke as unknown as readonly Invocation[];
}

/** The id, without its last word, of the items of an invocation. XState calls one that has no id `<index>.<state id>`. */
export function invocationOf(node: AnyStateNode, { id, src }: Invocation): string {
  const index = invocations(node).findIndex((other, at) => other.id === id && id === `${at}.${node.id}`);
  const name = index >= 0 ? `${src}#${index}` : id === src ? id : `${id}(${src})`;
  return `invoke ${node.id} ${name}`;
}

/** The delays of a state: each fires; each is cancelled where the state can be left before. */
export function delayItems(node: AnyStateNode, edges: readonly Edge[]): readonly CoverageItem[] {
  const events = [...new Set(edges.filter((edge) => edge.node === node && isAfter(edge.event)).map(({ event }) => event))];
  return events.flatMap((event) => {
    const ways = ['fired', ...(canLeave(node, edges, [eventName(event, node)]) ? ['cancelled'] : [])];
    return ways.map((way): CoverageItem => ({ id: `delay ${node.id} ${eventName(event, node)} ${way}`, kind: 'delay', state: node.id }));
  });
}

/** The id, without its last word, of the delay that an event on the clock belongs to; undefined when it belongs to none. */
export function delaysByEvent(edges: readonly Edge[]): ReadonlyMap<string, string> {
  return new Map(edges.filter(({ event }) => isAfter(event)).map(({ event, node }) => [event, `delay ${node.id} ${eventName(event, node)}`]));
}

/** Whether something but those events of its own can end the stay in `node`: of the root, its end. */
function canLeave(node: AnyStateNode, edges: readonly Edge[], but: readonly string[]): boolean {
  if (node.parent === undefined) return Object.values<AnyStateNode>(node.states).some(({ type }) => type === 'final');
  const isOwn = (edge: Edge): boolean => edge.node === node && but.includes(eventName(edge.event, node));
  return edges.some((edge) => !isOwn(edge) && leaves(edge.definition, node));
}

function isAfter(event: string): boolean {
  return event.startsWith('xstate.after.');
}

/** Events of the machine's own that are called as {@link eventName} calls XState's. */
const likeXStates = /^(?:always|done|(?:after|done|error|snapshot)\(.*\))$/u;

/** Names an event as a reader of the machine file would: `after(backoff)`, `done(job)`, `error(job)`, `always`; an event of the machine's own so called
 * stands in quotes: `'done'`. */
export function eventName(event: string, node: AnyStateNode): string {
  if (event === '') return 'always';
  if (isAfter(event)) return `after(${event.slice('xstate.after.'.length, -node.id.length - 1)})`;
  const [, kind, subject = ''] = /^xstate\.(done\.actor|error\.actor|done\.state|snapshot)\.(.*)$/u.exec(event) ?? [];
  if (kind === undefined) return likeXStates.test(event) ? `'${event}'` : event;
  if (kind === 'done.state') return 'done';
  return `${kind.split('.')[0] ?? kind}(${subject})`;
}

function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  if (typeof guard !== 'function') return 'guard';
  const parts = (guard as { guards?: readonly unknown[] }).guards;
  return parts === undefined ? guard.name || 'guard' : `${guard.name}(${parts.map(guardName).join(',')})`;
}
