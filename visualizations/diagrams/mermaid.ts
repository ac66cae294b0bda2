/**
 * A machine as a Mermaid state diagram: the same machine gives the same text, byte for byte.
 *
 * | in the machine                         | in the picture                                                            |
 * |----------------------------------------|---------------------------------------------------------------------------|
 * | transition with a target               | an arrow `event [guard]`; those between the same two states share one      |
 * | transition without a target            | a line `event [guard]` in its state                                       |
 * | transition that re-enters a state around it | a line `event [guard] → state`: Mermaid draws no arrow from a state to one around it |
 * | `after`, `always`, `onDone`            | `after name`, `always`, `done`; of an invoked actor `name done`, `name failed` |
 * | description, tags, invoke              | lines of the state; of a compound state, its title                        |
 * | what a compound state does in any of its states | a box `in any state`, for the same reason                        |
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** Words that Mermaid reads as its own. */
const reserved = new Set(['end', 'state', 'note', 'default', 'class', 'click', 'style', 'direction', 'root', 'as']);

/**
 * @param machine  any XState machine
 * @returns Mermaid `stateDiagram-v2` text that ends with a line break
 * @throws never
 */
export function mermaid(machine: AnyStateMachine): string {
  const names = new Map<AnyStateNode, string>();
  const taken = new Set<string>();
  for (const node of nodesOf(machine.root)) {
    const plain = (node.path.length === 0 ? node.key : node.path.join('_')).replace(/\W/g, '_');
    let name = reserved.has(plain) ? `${plain}_` : plain;
    while (taken.has(name)) name += '_';
    taken.add(name);
    names.set(node, name);
  }
  const name = (node: AnyStateNode): string => names.get(node) ?? '';
  const body = machine.root.type === 'parallel' ? stateLines(machine.root, name) : insideLines(machine.root, name);
  return ['stateDiagram-v2', ...indent(body), ...indent(arrowLines(machine.root, name)), ''].join('\n');
}

/**
 * A page with the diagram, as Markdown.
 * @param machine  any XState machine
 */
export function diagramPage(machine: AnyStateMachine): string {
  const { root } = machine;
  const about = [root.description, ...invokeLines(root)].filter((line) => line !== undefined);
  const head = [`# ${machine.id}`, 'Drawn from the machine by `npm run draw`; edit the machine, not this page.', ...about];
  return `${head.join('\n\n')}\n\n\`\`\`mermaid\n${mermaid(machine)}\`\`\`\n`;
}

/** The node and all below it, in document order. */
function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...childrenOf(node).flatMap(nodesOf)];
}

function childrenOf(node: AnyStateNode): AnyStateNode[] {
  return (Object.values(node.states) as AnyStateNode[]).sort((a, b) => a.order - b.order);
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

type Name = (node: AnyStateNode) => string;

/** A state with everything inside it. */
function stateLines(node: AnyStateNode, name: Name): string[] {
  const own = name(node);
  const title = node.type === 'history' ? (node.history === 'deep' ? 'H*' : 'H') : node.key;
  if (childrenOf(node).length > 0) {
    return [`state "${quoted([title, ...aboutLines(node)].join(' · '))}" as ${own} {`, ...indent(insideLines(node, name)), '}'];
  }
  return [`state "${quoted(title)}" as ${own}`, ...[...aboutLines(node), ...insideEvents(node)].map((line) => `${own} : ${text(line)}`)];
}

/** What stands inside a compound or parallel state: its states, where it starts, where it ends, and what it does in any of them. */
function insideLines(node: AnyStateNode, name: Name): string[] {
  const children = childrenOf(node);
  if (node.type === 'parallel') return children.flatMap((child, index) => [...(index === 0 ? [] : ['--']), ...stateLines(child, name)]);
  const always = insideEvents(node);
  const anyState = needsAnyState(node) ? [`state "in any state" as ${anyStateName(node, name)}`] : [];
  return [
    ...(node.initial?.target ?? []).map((target: AnyStateNode) => `[*] --> ${name(target)}`),
    ...children.flatMap((child) => stateLines(child, name)),
    ...children.filter((child) => child.type === 'final').map((child) => `${name(child)} --> [*]`),
    ...anyState,
    ...always.map((line) => `${anyStateName(node, name)} : ${text(line)}`),
  ];
}

function anyStateName(node: AnyStateNode, name: Name): string {
  return `${name(node)}_any`;
}

/** Does a compound state act by itself: on an event without a target, or by a step to one of its own states? */
function needsAnyState(node: AnyStateNode): boolean {
  if (node.type === 'parallel' || childrenOf(node).length === 0) return false;
  return insideEvents(node).length > 0 || transitionsOf(node).some(({ target }) => target?.some((to) => isWithin(to, node)));
}

/** Is the target the state itself, where that is compound, or one around it? */
function isAround(target: AnyStateNode, node: AnyStateNode): boolean {
  return isWithin(node, target) || (target === node && childrenOf(node).length > 0);
}

function isWithin(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  return node !== ancestor && node.path.length > ancestor.path.length && ancestor.path.every((key, depth) => node.path[depth] === key);
}

/** Arrows of all states, one for each pair of states. They stand outside all boxes, because an arrow inside one moves its ends into it. */
function arrowLines(root: AnyStateNode, name: Name): string[] {
  const arrows = new Map<string, string[]>();
  for (const node of nodesOf(root)) {
    for (const transition of transitionsOf(node)) {
      for (const target of transition.target ?? []) {
        if (isAround(target, node)) continue;
        const from = needsAnyState(node) && isWithin(target, node) ? anyStateName(node, name) : name(node);
        const arrow = `${from} --> ${name(target)}`;
        arrows.set(arrow, [...(arrows.get(arrow) ?? []), text(label(node, transition))]);
      }
    }
  }
  return [...arrows].map(([arrow, labels]) => `${arrow} : ${labels.join('<br/>')}`);
}

/** Every transition of a state, in the order of the machine's text; those that always happen first. */
function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()] as AnyTransitionDefinition[];
}

/** The events that a state takes without an arrow. */
function insideEvents(node: AnyStateNode): string[] {
  return transitionsOf(node).flatMap((transition) => {
    if (transition.target === undefined) return [label(node, transition)];
    return transition.target.filter((target) => isAround(target, node)).map((target) => `${label(node, transition)} → ${target.key}`);
  });
}

function label(node: AnyStateNode, { eventType, guard }: AnyTransitionDefinition): string {
  const delay = node.after.find((delayed) => delayed.eventType === eventType)?.delay;
  const event = delay === undefined ? eventName(eventType) : `after ${typeof delay === 'number' ? `${delay} ms` : String(delay)}`;
  return guard === undefined ? event : `${event} [${guardName(guard)}]`;
}

/** XState's own events in plain words. */
function eventName(eventType: string): string {
  if (eventType === '') return 'always';
  if (eventType.startsWith('xstate.done.state.')) return 'done';
  const own = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType) ?? /^xstate\.(snapshot)\.(.+)$/.exec(eventType);
  const [, kind, actor = ''] = own ?? [];
  if (kind === undefined) return eventType;
  return `${actor === '*' ? 'any actor' : actor} ${kind === 'done' ? 'done' : kind === 'error' ? 'failed' : 'changed'}`;
}

/** `name`, `!name`, `a && b`, `a || b`. */
function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  if (typeof guard !== 'function') return String(guard);
  const parts = 'guards' in guard && Array.isArray(guard.guards) ? guard.guards.map(guardName) : [];
  if (guard.name === 'not') return `!${parts.join('')}`;
  if (guard.name === 'and') return parts.join(' && ');
  if (guard.name === 'or') return parts.join(' || ');
  return guard.name === '' ? 'guard' : guard.name;
}

function aboutLines(node: AnyStateNode): string[] {
  const tags = node.tags.length === 0 ? [] : [`tags ${[...node.tags].sort().join(', ')}`];
  return [...(node.description === undefined ? [] : [node.description]), ...tags, ...invokeLines(node)];
}

function invokeLines(node: AnyStateNode): string[] {
  return node.invoke.map(({ id, src }) => {
    const logic = typeof src === 'string' ? src : 'inline';
    return logic === id ? `invokes ${id}` : `invokes ${id} (${logic})`;
  });
}

/** Text after a colon: Mermaid ends it at a line break or `;`, and reads `:` and `#` as its own. */
function text(line: string): string {
  return quoted(line).replaceAll(':', '#58;');
}

/** Text between quotation marks. */
function quoted(line: string): string {
  return line
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[#;"<>]/g, (character) => `#${character.charCodeAt(0)};`);
}
