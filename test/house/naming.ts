/** Names in a chart: what is referred to by name can be read in a picture, provided anew and found in a trace. */
import { type Finding, type Node, type Rule, at, nameOf, property, walk } from './source.js';
import { memberOf } from './scopes.js';
import { entries, type Reference, references, referenceTo, uncast, writtenMachines } from './written.js';

const articles = { action: 'an action', guard: 'a guard', delay: 'a delay', actor: 'an actor' } as const;

/** Delays and actors that built-ins in setup refer to: `raise(…, { delay })`, `sendTo(…, { delay })`, `spawnChild(src)`. */
function referencesInSetup(setup: Node | null): Reference[] {
  if (setup === null) return [];
  return [...walk(setup)].flatMap(([node]): Reference[] => {
    if (node.type !== 'CallExpression') return [];
    const name = node.callee.type === 'MemberExpression' ? memberOf(node.callee) : nameOf(node.callee);
    const [first] = node.arguments;
    if (name === 'spawnChild' && first) return [referenceTo('actor', first)];
    if (name !== 'raise' && name !== 'sendTo') return [];
    const delay = property(node.arguments.at(-1), 'delay');
    return delay === null || node.arguments.length < 2 ? [] : [referenceTo('delay', delay)];
  });
}

export const named: Rule = {
  title: 'a chart refers to its actions, guards, delays and actors by the names that setup gives them',
  check: (house) =>
    writtenMachines(house).flatMap(({ module, setup, config }): Finding[] =>
      [...references(config), ...referencesInSetup(setup)].flatMap(({ kind, node, name }) => {
        const mend = `name it in setup({ ${kind}s: {…} })`;
        if (name === null) return [at(module, node, `is ${articles[kind]} without a name: ${mend}, and refer to it by that name`)];
        const known = entries(uncast(property(setup, `${kind}s`)));
        return known.some((entry) => entry.name === name)
          ? []
          : [at(module, node, `refers to ${articles[kind]} '${name}' that nobody has named: ${mend}`)];
      }),
    ),
  samples: [
    { name: 'a function on entry', files: chart('entry: () => {}'), says: /action without a name/ },
    {
      name: 'a function by its identifier',
      files: chart('on: { go: { actions: shout } }', 'const shout = () => {};'),
      says: /action without a name/,
    },
    { name: 'a function that is made', files: chart("entry: [log('x'), 'note']", "import { log } from './b.js';"), says: /action without a name/ },
    { name: 'an imported function', files: chart('exit: someAction', "import { someAction } from './b.js';"), says: /action without a name/ },
    { name: 'a built-in in the config', files: chart("entry: emit({ type: 'x' })"), says: /action without a name/ },
    { name: 'an action by a computed name', files: chart('entry: { type: name }'), says: /action without a name/ },
    {
      name: 'an action without a name, deep down',
      files: chart('states: { b: { invoke: { id: "x", src: "x", onError: { actions: [shout] } } } }'),
      says: /action/,
    },
    { name: 'an action of the initial state', files: chart("initial: { target: 'b', actions: shout }"), says: /action without a name/ },
    { name: 'an action on a delay', files: chart('after: { late: { actions: shout } }'), says: /action without a name/ },
    { name: 'an action when a state is done', files: chart('onDone: { actions: shout }'), says: /action without a name/ },
    { name: 'an action that nobody has named', files: chart("entry: 'shout'"), says: /'shout' that nobody has named/ },
    { name: 'a guard without a name', files: chart('on: { go: { guard: () => true } }'), says: /guard without a name/ },
    { name: 'a guard by its identifier', files: chart('always: [{ guard: isLate, target: "b" }]'), says: /guard without a name/ },
    { name: 'a guard made of guards', files: chart("always: { guard: and(['a', 'b']) }"), says: /guard without a name/ },
    { name: 'a delay as a number', files: chart("after: { 1000: 'b' }"), says: /delay without a name/ },
    { name: 'a delay that nobody has named', files: chart("after: { soon: 'b' }"), says: /'soon' that nobody has named/ },
    { name: 'a delay of a built-in', files: chart('', '', "raised: raise({ type: 'x' }, { delay: () => 5 })"), says: /delay without a name/ },
    {
      name: 'a delay of a built-in, by its identifier',
      files: chart('', '', "s: sendTo('x', { type: 'x' }, { delay: soonMs })"),
      says: /delay without/,
    },
    { name: 'an actor by its identifier', files: chart("invoke: { id: 'x', src: logic }"), says: /actor without a name/ },
    { name: 'an actor in its place', files: chart("invoke: [{ id: 'x', src: fromCallback(() => {}) }]"), says: /actor without a name/ },
    { name: 'an actor that is spawned', files: chart('', '', 'start: spawnChild(logic)'), says: /actor without a name/ },
    {
      name: 'names, and what only looks like a place for them',
      files: chart(
        "entry: ['note', { type: 'note', params: () => ({ at: 1 }) }], meta: { guard: f, actions: g }, on: { entry: { target: '.exit', guard: 'isLate', actions: 'note' } }, states: { exit: { after: { late: 'actions' }, always: { guard: { type: 'isLate', params: p } } }, actions: { invoke: { id: 'x', src: 'x', input: () => ({ src: f }) } } }",
        '',
        "late: raise({ type: 'x', delay: 5 }, { delay: 'late' }), start: spawnChild('x')",
      ),
    },
  ],
};

/** A machine with this config, after these statements, with these actions beside its own. */
function chart(config: string, before = '', actions = ''): Record<string, string> {
  const parts = `actions: { note: assign({}), ${actions} }, guards: { isLate: () => true }, delays: { late: 5 }, actors: { x } satisfies object`;
  return { 'machines/a.ts': `${before} export const aMachine = setup({ ${parts} }).createMachine({ id: 'a', ${config} });` };
}
