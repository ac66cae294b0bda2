/** Defects that are planted in the compiler, one at a time: what people get wrong who write a statechart's steps. The conformance must catch each. */

/** One line of the compiler, wrong. */
export interface Defect {
  /** What is wrong, as one would report it. */
  readonly what: string;
  /** The file in src/compiled, without its ending. */
  readonly file: string;
  /** What stands there, once in the file; spaces and line ends do not matter. */
  readonly from: string;
  readonly to: string;
}

export const defects: readonly Defect[] = [
  // ---- which transitions are taken
  {
    what: 'the candidates of an event are tried in the wrong order',
    file: 'step',
    from: 'for (const row of rows) if (passes(row, snapshot, event)) return [row];',
    to: 'for (const row of [...rows].reverse()) if (passes(row, snapshot, event)) return [row];',
  },
  {
    what: 'guards are not asked',
    file: 'step',
    from: 'if (guard === undefined) return true;',
    to: 'if (guard !== null) return true;',
  },
  {
    what: 'what a guard throws is not wrapped',
    file: 'step',
    from: "const name = guardName === '' ? '' : `'${guardName}' `;",
    to: 'throw error;',
  },
  {
    what: 'the shortest wildcard is tried first',
    file: 'tables',
    from: '.sort((a, b) => b.length - a.length)',
    to: '.sort((a, b) => a.length - b.length)',
  },
  {
    what: 'the outer state goes before the inner',
    file: 'tables',
    from: 'rows: [...only.rows, ...own]',
    to: 'rows: [...own, ...only.rows]',
  },
  {
    what: 'only the first region hears an event',
    file: 'step',
    from: 'if (found.length > 0) return found;',
    to: 'if (found.length > 0) return found.slice(0, 1);',
  },
  {
    what: 'transitions that leave the same state are all taken',
    file: 'tables',
    from: 'if (rows.length < 2) return rows;',
    to: 'if (rows.length > 0) return rows;',
  },
  {
    what: 'of two that conflict the outer one wins',
    file: 'tables',
    from: 'if (!isBelow(row.transition.source, other.transition.source)) {',
    to: 'if (isBelow(row.transition.source, other.transition.source)) {',
  },
  {
    what: 'transitions without an event are forgotten',
    file: 'step',
    from: 'let mayBeEventless = true;',
    to: 'let mayBeEventless = false;',
  },
  {
    what: 'transitions without an event are taken only once',
    file: 'step',
    from: 'mayBeEventless = now !== before;',
    to: 'mayBeEventless = false;',
  },
  // ---- what is left, what is entered, and in which order
  {
    what: 'states are left from the outside in',
    file: 'tables',
    from: 'exited: [...exited].sort((a, b) => b.order - a.order)',
    to: 'exited: [...exited].sort((a, b) => a.order - b.order)',
  },
  {
    what: 'states are entered from the inside out',
    file: 'tables',
    from: 'sort((a, b) => a.node.order - b.node.order)',
    to: 'sort((a, b) => b.node.order - a.node.order)',
  },
  {
    what: 'a history is not kept',
    file: 'step',
    from: 'const historyValue = historyAfter(snapshot, exited, from);',
    to: 'const { historyValue } = snapshot;',
  },
  {
    what: 'a deep history is shallow',
    file: 'step',
    from: "(node.history === 'deep' ? isAtomic(one) && isBelow(one, left) : one.parent === left)",
    to: '(one.parent === left)',
  },
  {
    what: 'a transition into a history is taken from the table',
    file: 'tables',
    from: 'if (reachesHistory(transition, entered)) return',
    to: 'if (reachesHistory(transition, entered) && false) return',
  },
  {
    what: 'regions keep the order of the definition',
    file: 'tables',
    from: 'const nodes = [...kept];',
    to: 'const nodes = [...kept].sort((a, b) => a.order - b.order);',
  },
  {
    what: 'a step back into the same states is a new order of them',
    file: 'tables',
    from: 'isSame: isSameSet(from.nodes, nodes)',
    to: 'isSame: false',
  },
  {
    what: 'a snapshot has no tags',
    file: 'tables',
    from: 'tags: new Set(nodes.flatMap(({ tags }) => tags)),',
    to: 'tags: new Set(),',
  },
  // ---- what is done
  {
    what: 'actions of the transition run before those of the states that are left',
    file: 'step',
    from: 'let now = snapshot; for (const { exit, invoke } of exited) {',
    to: 'let now = snapshot; for (const { transition } of rows) now = runActions(now, event, scope, transition.actions, extra); rows = []; for (const { exit, invoke } of exited) {',
  },
  {
    what: 'entry actions run after the actors are invoked',
    file: 'step',
    from: '[...node.entry, ...invoked, ...first]',
    to: '[...invoked, ...node.entry, ...first]',
  },
  {
    what: 'the actions of an `initial` are forgotten',
    file: 'step',
    from: 'const first = byDefault ? (node.initial?.actions ?? []) : [];',
    to: 'const first = [];',
  },
  {
    what: 'the actions of an `initial` run whatever was the target',
    file: 'step',
    from: 'const first = byDefault ? (node.initial?.actions ?? []) : [];',
    to: 'const first = node.initial?.actions ?? [];',
  },
  {
    what: 'exit actions are forgotten, and with them what cancels an `after`',
    file: 'step',
    from: 'invoke.length === 0 ? exit :',
    to: 'invoke.length === 0 ? [] :',
  },
  {
    what: 'actors go on when their state is left',
    file: 'step',
    from: '[...exit, ...invoke.map(({ id }) => stopChild(id))]',
    to: 'exit',
  },
  {
    what: 'what an entry sends to the actor that is being invoked is lost',
    file: 'step',
    from: 'deferredActorIds: invoke.map(({ id }) => id)',
    to: 'deferredActorIds: undefined',
  },
  {
    what: 'an action sees the context from before the step',
    file: 'actions',
    from: '{ context: now.context, event, self: scope.self',
    to: '{ context: snapshot.context, event, self: scope.self',
  },
  {
    what: 'what an action is given as `params` is lost',
    file: 'guards',
    from: "return typeof params === 'function' ?",
    to: "return typeof params === 'function' ? undefined : typeof params === 'function' ?",
  },
  {
    what: 'what an action enqueues is not done',
    file: 'actions',
    from: 'if (further !== undefined) now = runEach(now, event, scope, further, extra, retries);',
    to: '',
  },
  {
    what: 'what XState makes of actions is resolved and not executed: sent, emitted and scheduled events are lost',
    file: 'actions',
    from: 'if (resolved.execute !== undefined) {',
    to: 'if (resolved.execute === null) {',
  },
  {
    what: 'actors that an assignment spawns are no children',
    file: 'actions',
    from: 'hasSpawned ? {',
    to: 'hasSpawned && false ? {',
  },
  {
    what: 'an assignment forgets the rest of the context',
    file: 'actions',
    from: 'Object.assign({}, snapshot.context, update)',
    to: 'Object.assign({}, update)',
  },
  // ---- raised events, and ends
  {
    what: 'the event that was raised last is heard first',
    file: 'step',
    from: 'const raised = queue.shift();',
    to: 'const raised = queue.pop();',
  },
  {
    what: 'raised events are lost',
    file: 'step',
    from: 'const raised = queue.shift();',
    to: 'const raised = undefined;',
  },
  {
    what: 'nobody hears that a state is done',
    file: 'step',
    from: "if (parent?.type === 'compound')",
    to: "if (parent?.type === 'none')",
  },
  {
    what: 'nobody hears that all regions are done',
    file: 'step',
    from: 'queue.push(doneOf(above, undefined));',
    to: '',
  },
  {
    what: 'a parallel state is done with its first region',
    file: 'step',
    from: 'below.every((one) => isFinal(one, active))',
    to: 'below.some((one) => isFinal(one, active))',
  },
  {
    what: 'the output of a final state is lost',
    file: 'step',
    from: 'node.output === undefined ? undefined : outputOf(node.output, snapshot.context, event, self)',
    to: 'undefined',
  },
  {
    what: 'the machine has no output',
    file: 'step',
    from: 'if (output === undefined) return',
    to: 'if (output !== null) return',
  },
  {
    what: 'at the end no exits run',
    file: 'step',
    from: 'if (isDone) for (const { exit } of last.nodes)',
    to: 'if (isDone) for (const { exit } of [])',
  },
  {
    what: 'at the end exits run from the outside in',
    file: 'step',
    from: 'if (isDone) for (const { exit } of last.nodes)',
    to: 'if (isDone) for (const { exit } of to.nodes)',
  },
  {
    what: 'actors outlive the end',
    file: 'step',
    from: "if (now.status !== 'active') stopAll(now, next, scope);",
    to: '',
  },
  {
    what: 'actors outlive a stop',
    file: 'step',
    from: "const stopped = withParts(stopAll(snapshot, event, scope), { status: 'stopped' });",
    to: "const stopped = withParts(snapshot, { status: 'stopped' });",
  },
  {
    what: 'a failure of an actor that nobody awaits is lost',
    file: 'step',
    from: 'if (rows.length === 0 && isFailureOfChild(event)) {',
    to: 'if (rows.length > 99 && isFailureOfChild(event)) {',
  },
  {
    what: 'what is thrown at the start is thrown at whoever starts it',
    file: 'step',
    from: "return withParts(before, { status: 'error', error });",
    to: 'throw error;',
  },
  {
    what: 'an endless loop goes on for a step more',
    file: 'step',
    from: 'if (count > most)',
    to: 'if (count > most + 1)',
  },
  // ---- what an inspector is told
  {
    what: 'microsteps are not told of',
    file: 'step',
    from: 'tell(scope, now, next, rows);',
    to: '',
  },
  {
    what: 'a microstep is told of without its transitions',
    file: 'step',
    from: '_transitions: rows.map(({ transition }) => transition),',
    to: '_transitions: [],',
  },
  {
    what: 'an action has no name',
    file: 'actions',
    from: "isInline ? action.name || '(anonymous)' : nameOf(action)",
    to: "'(anonymous)'",
  },
];
