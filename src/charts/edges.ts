/** What a machine's definition holds, in document order, under names that stay the same as long as the machine does: for coverage, recordings, pictures. */
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';

export type AnyStateNode = AnyStateMachine['root'];

/** One edge of a machine's definition. */
export interface Edge {
  /** `<state id> --<event>[<guard>]#<index among the candidates for that event>--> <target ids>`: the same as long as the machine is. */
  readonly id: string;
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
        const id = `${node.id} --${eventName(event, node)}${guard}#${index}--> ${targets}`;
        return { id, node, event, definition };
      }),
    );
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

export function isAfter(event: string): boolean {
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
