/** The shape of a machine: one literal that a visual editor can open, known to all who should know it. */
import { isXStates, memberOf, walkValues } from './scopes.js';
import { type Finding, type Module, type Node, type Rule, at, isUse, nameOf, property, textOf, walk } from './source.js';
import { builtInActions, entries, topLevel, writtenMachines } from './written.js';

/** Parts of a machine's config that hold data only: no name, no call, no spread. */
const literalParts = [
  'id',
  'initial',
  'type',
  'history',
  'states',
  'on',
  'always',
  'after',
  'invoke',
  'onDone',
  'onError',
  'onSnapshot',
  'target',
  'tags',
  'reenter',
  'description',
];

export const oneLiteral: Rule = {
  title: 'a machine file is one exported setup({…}).createMachine({ one literal })',
  check: (house) => {
    const machines = writtenMachines(house);
    return machines.flatMap((machine) => {
      const { module, call, config } = machine;
      const found: Finding[] = [];
      const say = (node: Node, message: string): number => found.push(at(module, node, message));
      if (machines.find((other) => other.module === module) !== machine) say(call, 'is a second machine in one file: give it a file of its own');
      if (machine.setup === null) say(call, 'does not come from setup({…}) in this file: name actions, guards, delays and actors there');
      if (!machine.exported?.endsWith('Machine'))
        say(call, 'is not `export const …Machine = ….createMachine({…})` at the top of the file: no factory, no wrapper, no cast');
      if (config?.type !== 'ObjectExpression') say(call, 'is not given one object literal: no name, no `satisfies`, no cast');
      else {
        if (machine.id === null) say(config, 'has no literal `id`');
        if (machine.id?.includes('.')) say(config, `has a dot in its id "${machine.id}", which breaks \`#id.state\` targets: use camelCase`);
        for (const node of unlike(config)) say(node, 'is not written out: a visual editor reads literals only (no spread, name or call here)');
      }
      return found;
    });
  },
  samples: [
    { name: 'a machine without setup', files: { 'machines/a.ts': "export const aMachine = createMachine({ id: 'a' });" }, says: /setup/ },
    { name: 'a factory', files: { 'machines/a.ts': "export const make = () => setup({}).createMachine({ id: 'a' });" }, says: /no factory/ },
    {
      name: 'a cast',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a' } satisfies object);" },
      says: /one object literal/,
    },
    { name: 'a config by name', files: { 'machines/a.ts': 'export const aMachine = setup({}).createMachine(config);' }, says: /one object literal/ },
    {
      name: 'two machines',
      files: {
        'machines/a.ts':
          "export const aMachine = setup({}).createMachine({ id: 'a' }); export const bMachine = setup({}).createMachine({ id: 'b' });",
      },
      says: /second machine/,
    },
    { name: 'a dot in the id', files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a.b' });" }, says: /dot in its id/ },
    { name: 'no id', files: { 'machines/a.ts': 'export const aMachine = setup({}).createMachine({});' }, says: /no literal `id`/ },
    {
      name: 'a spread',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', ...more });" },
      says: /not written out/,
    },
    {
      name: 'states by name',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', states: { b: busy } });" },
      says: /not written out/,
    },
    {
      name: 'a machine as it should be',
      files: {
        'machines/a.ts':
          "const a = setup({ actions: { note: assign({}) } }); export const aMachine = a.createMachine({ id: 'a', context: ({ input }) => ({ ...input }), meta, states: { b: { tags: 'x', on: { go: { target: '#a.b', actions: 'note' } } } } });",
      },
    },
  ],
};

/** The use of a name that holds `setup`, or what it gave, which leaves the sight of these rules; null when it stays in sight. */
function strays(module: Module, node: Node, ancestors: readonly Node[]): string | null {
  if (node.type !== 'Identifier' || !isUse(node, ancestors)) return null;
  const [parent, above, further] = ancestors;
  const isMember = (it: Node | undefined, of: Node | undefined): it is Extract<Node, { type: 'MemberExpression' }> =>
    it?.type === 'MemberExpression' && it.object === of;
  const isMaker = (it: Node | undefined, of: Node | undefined, call: Node | undefined): boolean =>
    isMember(it, of) && memberOf(it) === 'createMachine' && call?.type === 'CallExpression' && call.callee === it;
  if (isXStates(module, node, ['setup'])) {
    const isCalled = parent?.type === 'CallExpression' && parent.callee === node;
    const isKept = above?.type === 'VariableDeclarator' && above.id.type === 'Identifier';
    return isCalled && (isKept || isMaker(above, parent, further)) ? null : 'uses setup otherwise than in `setup({…}).createMachine({…})`';
  }
  const value = topLevel(module, node.name);
  if (value?.type !== 'CallExpression' || !isXStates(module, value.callee, ['setup'])) return null;
  if (parent?.type === 'VariableDeclarator' && parent.id === node) return null;
  if (isMaker(parent, node, above) || (isMember(parent, node) && builtInActions.includes(memberOf(parent) ?? ''))) return null;
  return `uses ${node.name}, which setup gave, otherwise than in \`${node.name}.createMachine({…})\` and for its built-in actions`;
}

export const inSight: Rule = {
  title: 'what setup gives makes a machine where it stands, under no other name',
  check: ({ modules }) =>
    modules
      .filter(({ path }) => path.startsWith('machines/'))
      .flatMap((module) =>
        [...walkValues(module)].flatMap(([node, ancestors]) => {
          const why = strays(module, node, ancestors);
          return why === null ? [] : [at(module, node, `${why}: the rules look for machines there`)];
        }),
      ),
  samples: [
    {
      name: 'setup by another name',
      files: made('const prepare = setup; export const aMachine = prepare({}).createMachine({});'),
      says: /uses setup/,
    },
    { name: 'setup with a cast', files: made('export const aMachine = (setup({}) as any).createMachine({});'), says: /uses setup/ },
    {
      name: 'its parts by other names',
      files: made('const { createMachine: make } = setup({}); export const aMachine = make({});'),
      says: /uses setup/,
    },
    { name: 'createMachine by another name', files: made('const s = setup({}); const make = s.createMachine; make({});'), says: /uses s/ },
    { name: 'createMachine by a computed name', files: made("const s = setup({}); s['create' + 'Machine']({});"), says: /uses s/ },
    {
      name: 'a setup that is extended',
      files: made('export const aMachine = setup({}).extend({ actions: {} }).createMachine({});'),
      says: /uses setup/,
    },
    { name: 'a machine where it stands', files: made('export const aMachine = setup({}).createMachine({});') },
    {
      name: 'a setup that is kept',
      files: made('const s = setup({ guards: { setup: f } }); const a = s.assign({}); export const aMachine = s.createMachine({});'),
    },
  ],
};

function made(code: string): Record<string, string> {
  return { 'machines/a.ts': `import { setup } from 'xstate'; ${code}` };
}

/** The nodes of a config that are not literals where they must be. Functions (context, output, input) and `meta` may hold code. */
function unlike(config: Node): Node[] {
  const found: Node[] = [];
  const visit = (node: Node, strict: boolean): void => {
    if (node.type === 'ObjectExpression') {
      for (const entry of node.properties) {
        if (entry.type === 'SpreadElement') found.push(entry);
        else if (entry.computed) found.push(entry.key);
        else {
          const name = nameOf(entry.key) ?? '';
          // Below `states` and `on` the names are the user's; what they name is literal all the same.
          const free = !strict || ['actions', 'entry', 'exit', 'context', 'input', 'output', 'meta', 'params', 'guard'].includes(name);
          if (!free) visit(entry.value, true);
        }
      }
    } else if (node.type === 'ArrayExpression') {
      for (const element of node.elements) if (element) visit(element, strict);
    } else if (node.type !== 'Literal' && !(node.type === 'TemplateLiteral' && node.expressions.length === 0)) found.push(node);
  };
  if (config.type !== 'ObjectExpression') return [config];
  for (const entry of config.properties) {
    if (entry.type === 'SpreadElement') found.push(entry);
    else if (literalParts.includes(nameOf(entry.key) ?? '')) visit(entry.value, true);
  }
  return found;
}

export const invokeIds: Rule = {
  title: 'every invoke has an id',
  check: (house) =>
    writtenMachines(house).flatMap(({ module, config }) =>
      [...(config ? walk(config) : [])].flatMap(([node]) => {
        if (node.type !== 'Property' || nameOf(node.key) !== 'invoke') return [];
        const invokes = node.value.type === 'ArrayExpression' ? node.value.elements : [node.value];
        const nameless = invokes.filter((invoke) => invoke?.type === 'ObjectExpression' && textOf(property(invoke, 'id')) === null);
        return nameless.map((invoke) =>
          at(module, invoke as Node, 'is an invoke without a literal `id`: its events, its children and its place in a picture go by that name'),
        );
      }),
    ),
  samples: [
    {
      name: 'one',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', invoke: { src: 'x' } });" },
      says: /without a literal `id`/,
    },
    {
      name: 'one of two',
      files: {
        'machines/a.ts':
          "export const aMachine = setup({}).createMachine({ id: 'a', states: { b: { invoke: [{ id: 'x', src: 'x' }, { src: 'y' }] } } });",
      },
      says: /without a literal `id`/,
    },
    {
      name: 'with an id',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', invoke: { id: 'x', src: 'x' } });" },
    },
  ],
};

const kebab = (id: string): string => id.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The files of src/ that may make machines, each with its reason. */
const makers = new Map([
  ['src/testing/mutation/edits.ts', 'makes mutants of machines that are already there'],
  ['src/inspector/adapters/v5-config.ts', 'reads a machine that another process describes; nobody runs it'],
  ['src/compiled/shadow.ts', 'makes the shadow of a machine that is already there: XState steps through it, nobody runs it'],
  ['src/compiled/xstate-parts.ts', 'looks at a sample whether XState is as it was; nobody runs it'],
]);

export const atHome: Rule = {
  title: 'machines are made in machines/ only',
  check: ({ modules }) =>
    modules
      .filter(({ path }) => path.startsWith('src/') && !makers.has(path))
      .flatMap((module) =>
        [...walk(module.program)].flatMap(([node]) => {
          if (node.type !== 'CallExpression') return [];
          const { callee } = node;
          const name = callee.type === 'MemberExpression' ? nameOf(callee.property) : nameOf(callee);
          return name === 'createMachine'
            ? [at(module, node, 'makes a machine: move it to machines/, into the catalogue, with a diagram and a model; src/ provides its actors')]
            : [];
        }),
      ),
  samples: [
    {
      name: 'a machine in src/',
      files: { 'src/live/lost.ts': "export const lost = setup({}).createMachine({ id: 'lost' });" },
      says: /move it to machines/,
    },
    { name: 'a bare one', files: { 'src/live/lost.ts': 'createMachine({});' }, says: /move it to machines/ },
    { name: 'one in machines/', files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'theA' });" } },
  ],
};

export const company: Rule = {
  title: 'every machine is in the catalogue, and has a diagram and a model-based test',
  check: (house) => {
    const catalogue = house.modules.find(({ path }) => path === 'machines/index.ts');
    const listed = entries(catalogue ? topLevel(catalogue, 'catalogue') : null).map(({ name, value }) => `${name}: ${nameOf(value)}`);
    const paths = new Map(house.files.map((file) => [file.path, file]));
    return writtenMachines(house).flatMap(({ module: { path }, exported, id }) => {
      if (exported === null || id === null) return [];
      const diagram = `visualizations/diagrams/${id}.md`;
      const test = `test/model/${kebab(id)}.test.ts`;
      const found: Finding[] = [];
      if (!listed.includes(`${id}: ${exported}`))
        found.push({ path, message: `is not in the catalogue: add \`${id}: ${exported}\` to machines/index.ts` });
      if (!paths.has(diagram)) found.push({ path, message: `has no ${diagram}: run \`npm run draw\`` });
      if (!paths.get(test)?.text.includes(`expectFullCoverage(models.${id}`))
        found.push({ path, message: `has no model-based test: write its model into src/testing/models/, and ${test}, which covers it fully` });
      return found;
    });
  },
  samples: [
    {
      name: 'a machine left out',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'theA' });", 'machines/index.ts': '' },
      says: /add `theA: aMachine`/,
    },
    {
      name: 'a machine without a diagram',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'theA' });" },
      says: /npm run draw/,
    },
    {
      name: 'a machine without a model',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'theA' });" },
      says: /test\/model\/the-a\.test\.ts/,
    },
    {
      name: 'a machine in company',
      files: {
        'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'theA' });",
        'machines/index.ts': 'export const catalogue = { theA: aMachine } as const;',
        'visualizations/diagrams/theA.md': '',
        'test/model/the-a.test.ts': 'expectFullCoverage(models.theA);',
      },
    },
  ],
};

export const exitNames: Rule = {
  title: "only machines/supervision/exit.ts spells XState's exit events",
  check: ({ modules }) =>
    modules
      .filter(({ path }) => /^(?:machines|src)\//.test(path) && path !== 'machines/supervision/exit.ts')
      .flatMap((module) =>
        [...walk(module.program)].flatMap(([node]) => {
          const text = node.type === 'TemplateElement' ? node.value.raw : textOf(node);
          return text !== null && /^xstate\.(?:done|error)\.actor\b/.test(text)
            ? [at(module, node, `spells '${text}': take the name or the reading from machines/supervision/exit.ts`)]
            : [];
        }),
      ),
  samples: [
    { name: 'a name', files: { 'src/live/a.ts': "export const a = 'xstate.error.actor.tool';" }, says: /exit\.ts/ },
    { name: 'a template', files: { 'machines/a.ts': 'export const a = (id: string) => `xstate.done.actor.${id}`;' }, says: /exit\.ts/ },
    { name: 'its own file', files: { 'machines/supervision/exit.ts': "export const a = 'xstate.done.actor.*';" } },
  ],
};
