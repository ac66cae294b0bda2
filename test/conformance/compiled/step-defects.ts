/** Planted defects of the compiled steps: which transitions are taken, what is left and entered, what is kept, what is done. */

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

export const stepDefects: readonly Defect[] = [
  // ---- which transitions are taken
  {
    what: 'the candidates of an event are tried in the wrong order',
    file: 'step',
    from: 'for (const row of rows) if (passes(row, snapshot, event)) return row.alone;',
    to: 'for (const row of [...rows].reverse()) if (passes(row, snapshot, event)) return row.alone;',
  },
  {
    what: 'guards are not asked',
    file: 'step',
    from: 'if (guard === undefined) return true;',
    to: 'if (guard !== null) return true;',
  },
  {
    what: 'guards of transitions without an event are not asked',
    file: 'step',
    from: 'if (row.guard !== undefined && !row.guard(snapshot, event)) continue;',
    to: '',
  },
  {
    what: 'what a guard throws is not wrapped',
    file: 'step',
    from: `const name = guardName === '' ? '' : \`'\${guardName}' \`;`,
    to: 'throw error;',
  },
  {
    what: 'what a guard of a transition without an event throws is wrapped',
    file: 'step',
    from: 'if (row.guard !== undefined && !row.guard(snapshot, event)) continue;',
    to: 'if (!passes(row, snapshot, event)) continue;',
  },
  {
    what: 'the event of the start, sent again, is taken by a wildcard',
    file: 'step',
    from: 'if (event.type === initEvent) return settle(tables, snapshot, event, scope, queue);',
    to: '',
  },
  {
    what: 'nothing is settled when the event of the start is sent again',
    file: 'step',
    from: 'if (event.type === initEvent) return settle(tables, snapshot, event, scope, queue);',
    to: 'if (event.type === initEvent) return snapshot;',
  },
  {
    what: 'an event without a type is taken by a wildcard',
    file: 'step',
    from: 'const isFailure = isFailureOfChild(event);',
    to: "const isFailure = String(event.type).startsWith('xstate.error.actor');",
  },
  {
    what: 'the shortest wildcard is tried first',
    file: 'tables',
    from: '.sort((a, b) => b.length - a.length)',
    to: '.sort((a, b) => a.length - b.length)',
  },
  {
    what: 'wildcards hear nothing that nobody names',
    file: 'tables',
    from: '|| this.#wild.some((descriptor) => takes(descriptor, type))',
    to: '',
  },
  {
    what: 'the outer state goes before the inner',
    file: 'tables',
    from: 'rows: [...only.rows, ...own]',
    to: 'rows: [...own, ...only.rows]',
  },
  {
    what: 'of transitions without an event that of the outer state goes before that of the inner',
    file: 'tables',
    from: 'rows.push(this.rowFor(own));',
    to: 'rows.unshift(this.rowFor(own));',
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
  {
    what: 'of a state all transitions without an event are taken',
    file: 'step',
    from: 'found = found.length === 0 ? row.alone : [...found, row]; break;',
    to: 'found = found.length === 0 ? row.alone : [...found, row];',
  },
  {
    what: 'a snapshot is asked for what it can do, and forgets the first',
    file: 'compile',
    from: 'event).map(({ transition }) => transition)',
    to: 'event).slice(1).map(({ transition }) => transition)',
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
    from: 'const historyValue = historyAfter(snapshot, move, from);',
    to: 'const { historyValue } = snapshot;',
  },
  {
    what: 'a deep history is shallow',
    file: 'step',
    from: "(node.history === 'deep' ? isAtomic(one) && isBelow(one, of) : one.parent === of)",
    to: '(one.parent === of)',
  },
  {
    what: 'a transition into a history is taken from the table',
    file: 'shape',
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
    from: 'return this.#moveOf(walk, this.configuration(nodes), isSameSet(from.nodes, nodes));',
    to: 'return this.#moveOf(walk, this.configuration(nodes), false);',
  },
  {
    what: 'a snapshot has no tags',
    file: 'tables',
    from: 'tags: new Set(nodes.flatMap(({ tags }) => tags)),',
    to: 'tags: new Set(),',
  },
  {
    what: 'a final state is an object in the value',
    file: 'nodes',
    from: "only.type === 'atomic' || only.type === 'final'",
    to: "only.type === 'atomic'",
  },
  // ---- what is kept from one step to the next
  {
    what: 'where a history leads is kept for the next time',
    file: 'tables',
    from: 'if (row.interpreted !== null) return undefined;',
    to: '',
  },
  {
    what: 'a step is kept under the first alone of the transitions that are taken together',
    file: 'tables',
    from: 'for (const row of rows) { if (row.interpreted !== null)',
    to: 'for (const row of rows.slice(0, 1)) { if (row.interpreted !== null)',
  },
  {
    what: 'the step of a transition is kept for all configurations',
    file: 'tables',
    from: 'let route = from.next;',
    to: 'let route = (this.begin().to).next;',
  },
  {
    what: 'the same states in another order are one configuration',
    file: 'tables',
    from: 'given.map(({ order }) => order).join();',
    to: 'given.map(({ order }) => order).sort((a, b) => a - b).join();',
  },
  {
    what: 'what one event enables is kept for all events',
    file: 'tables',
    from: 'const known = configuration.choices.get(type);',
    to: 'const [known] = configuration.choices.values();',
  },
  {
    what: 'what an event enables in one state is kept for all states',
    file: 'tables',
    from: 'let own = this.#candidates.get(node);',
    to: 'let own = this.#candidates.get(this.root);',
  },
  {
    what: 'what runs at an exit is kept under the state around it',
    file: 'tables',
    from: 'this.#exits.set(node, made);',
    to: 'this.#exits.set(node.parent ?? node, made);',
  },
  {
    what: 'what runs at an entry is kept alike for an entry by default and one by a target',
    file: 'tables',
    from: 'this.#entries.get(node)?.[byDefault ? 1 : 0];',
    to: 'this.#entries.get(node)?.find((one) => one !== undefined);',
  },
  // ---- what is done
  {
    what: 'actions of the transition run before those of the states that are left',
    file: 'step',
    from: 'runActions(draft, event, scope, move.exits, extra); for (const { plans } of rows) runActions(draft, event, scope, plans, extra);',
    to: 'for (const { plans } of rows) runActions(draft, event, scope, plans, extra); runActions(draft, event, scope, move.exits, extra);',
  },
  {
    what: 'actions of transitions that are taken together run from the last to the first',
    file: 'step',
    from: 'for (const { plans } of rows) runActions',
    to: 'for (const { plans } of [...rows].reverse()) runActions',
  },
  {
    what: 'exit actions are planned from the outer state to the inner',
    file: 'tables',
    from: 'const exits = exited.flatMap(',
    to: 'const exits = [...exited].reverse().flatMap(',
  },
  {
    what: 'actors are stopped before the exit actions of their state',
    file: 'tables',
    from: '[...node.exit, ...node.invoke.map(({ id }) => stopChild(id))]',
    to: '[...node.invoke.map(({ id }) => stopChild(id)), ...node.exit]',
  },
  {
    what: 'entry actions run after the actors are invoked',
    file: 'tables',
    from: '[...node.entry, ...invoked,',
    to: '[...invoked, ...node.entry,',
  },
  {
    what: 'the actions of an `initial` are forgotten',
    file: 'tables',
    from: '...(byDefault ? (node.initial?.actions ?? []) : [])',
    to: '',
  },
  {
    what: 'the actions of an `initial` run whatever was the target',
    file: 'tables',
    from: 'byDefault ? (node.initial?.actions ?? []) : []',
    to: 'node.initial?.actions ?? []',
  },
  {
    what: 'exit actions are forgotten, and with them what cancels an `after`',
    file: 'tables',
    from: '[...node.exit, ...node.invoke.map(({ id }) => stopChild(id))]',
    to: 'node.invoke.map(({ id }) => stopChild(id))',
  },
  {
    what: 'actors go on when their state is left',
    file: 'tables',
    from: '[...node.exit, ...node.invoke.map(({ id }) => stopChild(id))]',
    to: 'node.exit',
  },
  {
    what: 'what an entry sends to the actor that is being invoked is lost',
    file: 'tables',
    from: 'invoked: node.invoke.length === 0 ? undefined : node.invoke.map(({ id }) => id)',
    to: 'invoked: undefined',
  },
  {
    what: 'what an entry sends to the actor that is being invoked does not find it afterwards',
    file: 'actions',
    from: 'for (const [action, params] of retries) action.retryResolve?.(scope, draft.snapshot(), params);',
    to: '',
  },
  {
    what: 'an action sees the context from before the step',
    file: 'actions',
    from: '{ context, event, self: scope.self, system: scope.system };',
    to: '{ context: (draft.begunWith ??= context), event, self: scope.self, system: scope.system };',
  },
  {
    what: 'what a guard is given as `params` is lost',
    file: 'guards',
    from: "return typeof params === 'function' ?",
    to: "return typeof params === 'function' ? undefined : typeof params === 'function' ?",
  },
  {
    what: 'what an action is given as `params` is lost',
    file: 'actions',
    from: "const given = isInline || typeof action !== 'object' ?",
    to: 'const given = true ?',
  },
  {
    what: 'the function that makes the `params` of an action is its `params`',
    file: 'actions',
    from: "const makesParams = typeof given === 'function';",
    to: 'const makesParams = false;',
  },
  {
    what: 'what XState makes of actions is resolved and not executed: logs and cancels are lost',
    file: 'actions',
    from: 'if (action.execute !== undefined) execute(action, scope, args, effect);',
    to: '',
  },
  {
    what: 'the context that a function makes is not made',
    file: 'step',
    from: 'if (tables.contextPlans === undefined) return tables.blank;',
    to: 'return tables.blank;',
  },
  // ---- the snapshot in the making
  {
    what: 'a snapshot in the making shows nothing of what actions have changed',
    file: 'draft',
    from: 'if (!this.isChanged) return this.#latest;',
    to: 'return this.#latest;',
  },
  {
    what: 'a snapshot is made anew though nothing has changed',
    file: 'draft',
    from: 'if (!this.isChanged) return this.#latest;',
    to: '',
  },
  {
    what: 'a step that changes nothing ends in a new snapshot',
    file: 'step',
    from: 'if (isSame && historyValue === snapshot.historyValue) return draft.snapshot();',
    to: '',
  },
  {
    what: 'a history that changes while the states stay the same is lost',
    file: 'step',
    from: 'if (isSame && historyValue === snapshot.historyValue) return',
    to: 'if (isSame) return',
  },
  {
    what: 'at the end the states keep the order in which they were entered',
    file: 'step',
    from: 'return draft.at(tables.machine, last.nodes,',
    to: 'return draft.at(tables.machine, to.nodes,',
  },
];
