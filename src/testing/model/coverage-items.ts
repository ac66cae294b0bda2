/** Everything of a machine that a test can reach, with ids that stay the same as long as the machine does. */
import { type AnyStateNode, type Edge, eventName, type Invocation, invocations, isAfter } from '../../charts/edges.js';
import { leaves } from '../../charts/taken.js';

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

/** That the transition is taken. */
export function transitionItem({ id, node }: Edge): CoverageItem {
  const transition = `transition ${id}`;
  return { id: transition, kind: 'transition', state: node.id, transition };
}

/** The two outcomes of a transition's guard. */
export function guardItems(edge: Edge): readonly CoverageItem[] {
  if (edge.definition.guard === undefined) return [];
  const item = transitionItem(edge);
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
