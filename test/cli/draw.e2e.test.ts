/** `espalier draw` as a process, as built: any machine of any module, and what is said where there is none. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { sessionMachine } from '../../machines/live/session.js';
import { definitionOf } from '../../src/charts/definition.js';
import { dotOf } from '../../src/charts/dot.js';
import { mermaidOf } from '../../src/charts/mermaid.js';
import { build, type Built, endAll, type Ran, run } from './built.js';

const root = join(import.meta.dirname, '../..');
let built: Built;
/** Where the user's modules are: within the repository, so that they find xstate. */
let own = '';

const modules: Readonly<Record<string, string>> = {
  'one.mjs': `import { createMachine } from 'xstate';
    console.log('noise');
    setInterval(() => {}, 1000);
    export const kettle = createMachine({ id: 'kettle', initial: 'cold', states: { cold: { on: { heat: 'hot' } }, hot: { type: 'final' } } });
    export default kettle;
    export const count = 3;`,
  'two.mjs': `import { createMachine } from 'xstate';
    export const left = createMachine({ id: 'l' });
    export const right = createMachine({ id: 'r' });`,
  'none.mjs': 'export const list = [];',
  'old.mjs': 'export const old = { withContext() {}, states: {} };',
  'throws.mjs': "throw new RangeError('no good');",
  'wrong.mjs': 'export const = 1;',
  'a#b.mjs': "import { createMachine } from 'xstate'; export const m = createMachine({ id: 'm' });",
  'made.mjs': `import { createActor, createMachine } from 'xstate';
    export const make = async () => createMachine({ id: 'made' });
    export const fail = () => { throw new RangeError('no good'); };
    export const running = createActor(createMachine({ id: 'run' }));`,
  'config.json': '{ "id": "conf", "initial": "a", "states": { "a": { "on": { "go": "b" } }, "b": {} } }',
  'list.json': '[1]',
  'strict.ts': "import { createMachine } from 'xstate'; const id: string = 'typed'; export const typed = createMachine({ id });",
};

beforeAll(() => {
  built = build();
  mkdirSync(join(root, '.build'), { recursive: true });
  own = mkdtempSync(join(root, '.build', 'draw-'));
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(own, name), text);
}, 120_000);
afterAll(() => {
  endAll();
  built.remove();
  rmSync(own, { recursive: true, force: true });
});

const draw = (...args: readonly string[]): Promise<Ran> => run(process.execPath, [built.main, 'draw', ...args], { cwd: own }).ended;
const stripsTypes = Boolean((process.features as { readonly typescript?: unknown }).typescript);

describe.concurrent('espalier draw', { timeout: 60_000 }, () => {
  it('prints the picture of a module’s only machine, and nothing of what the module prints; what that leaves running ends', async ({ expect }) => {
    const { code, stdout, stderr } = await draw('one.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'noise\n' });
    expect(stdout).toMatch(/^<svg [\s\S]*data-state="kettle\.cold"[\s\S]*data-edge="kettle\.cold --heat#0--&gt; kettle\.hot"[\s\S]*<\/svg>\n$/u);
  });

  it('draws machines of packages, of this one too, whatever the format', async ({ expect }) => {
    const definition = definitionOf(sessionMachine);
    expect(await draw('espalier/machines#sessionMachine', '--format', 'mermaid')).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: mermaidOf(definition),
    });
    expect(await draw('espalier/machines#sessionMachine', '--format', 'dot')).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: dotOf(definition),
    });
    const { stdout } = await draw('espalier/machines#sessionMachine');
    expect(stdout).toBe(readFileSync(join(root, 'visualizations/diagrams/liveSession.svg'), 'utf8'));
  });

  it('writes a file, in the format of its ending', async ({ expect }) => {
    expect(await draw('two.mjs#left', '--out', 'left.gv')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(own, 'left.gv'), 'utf8')).toMatch(/^digraph "l" \{/u);
    expect(await draw('two.mjs#right', '--out', 'right.mmd', '--format', 'svg', '--direction', 'right')).toMatchObject({ code: 0 });
    expect(readFileSync(join(own, 'right.mmd'), 'utf8')).toMatch(/^<svg /u);
  });

  it('as JSON tells the machine as data, and the picture or its file', async ({ expect }) => {
    const { stdout } = await draw('one.mjs#kettle', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'machine.drawn',
      machine: 'kettle',
      export: 'kettle',
      format: 'svg',
      layout: 'full',
      file: null,
    });
    expect(JSON.parse(stdout)).toHaveProperty('text', (await draw('one.mjs')).stdout);
    const filed = JSON.parse((await draw('two.mjs#left', '--json', '--format', 'dot', '--out', 'left.dot')).stdout) as object;
    expect(filed).toMatchObject({ machine: 'l', file: 'left.dot', definition: { id: 'l', type: 'atomic' } });
    expect(filed).not.toHaveProperty('text');
  });

  it('takes a file whose name has a #', async ({ expect }) => {
    expect(await draw('a#b.mjs', '--format', 'dot')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^digraph "m"/u) });
    expect(await draw('a#b.mjs#m', '--format', 'dot')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^digraph "m"/u) });
  });

  it('takes a function that makes a machine where it is named, the machine of an actor, and a configuration as JSON', async ({ expect }) => {
    const dot = async (word: string): Promise<string> => (await draw(word, '--format', 'dot')).stdout;
    expect(await dot('made.mjs#make')).toMatch(/^digraph "made"/u);
    expect(await dot('made.mjs')).toMatch(/^digraph "run"/u);
    expect(await dot('config.json')).toMatch(/^digraph "conf" \{[\s\S]*label="go"/u);
    expect(await draw('made.mjs#fail')).toMatchObject({ code: 2, stderr: expect.stringContaining('RangeError: no good') });
    expect(await draw('list.json')).toMatchObject({ code: 2, stderr: expect.stringContaining('the configuration of a machine is an object') });
  });

  it('takes TypeScript where this Node does, else says which Node would', async ({ expect }) => {
    const { code, stdout, stderr } = await draw('strict.ts', '--format', 'mermaid');
    if (stripsTypes) expect({ code, stdout }).toEqual({ code: 0, stdout: 'stateDiagram-v2\n  state "typed" as typed\n' });
    else expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/strict\.ts is TypeScript: this Node does not strip types/u) });
  });

  it('--help prints the usage', async ({ expect }) => {
    expect(await draw('--help')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: espalier draw MODULE/u) });
  });

  it.for([
    ['no module', [], 'expected MODULE[#export]: what exports a machine, got: "none"'],
    ['two modules', ['one.mjs', 'two.mjs'], 'expected MODULE[#export] and options only, got: "two.mjs"'],
    ['a format that there is not', ['one.mjs', '--format', 'pdf'], 'expected --format: one of svg, mermaid, dot, got: "pdf"'],
    ['a direction that there is not', ['one.mjs', '--direction', 'up'], 'expected --direction: down or right, got: "up"'],
    [
      'a direction of what has none',
      ['one.mjs', '--direction', 'down', '--format', 'dot'],
      'expected --format svg where there is --direction, got: "dot"',
    ],
    ['a file that is not there', ['nowhere.js'], 'expected a module that can be read, got: "'],
    ['a package that is not there', ['nowhere'], 'expected a module that can be loaded, nowhere, got: "Error: Cannot find package'],
    ['a module that throws', ['throws.mjs'], 'expected a module that can be loaded, throws.mjs, got: "RangeError: no good"'],
    ['a module that is none', ['wrong.mjs'], 'expected a module that can be loaded, wrong.mjs, got: "SyntaxError: '],
    ['several machines', ['two.mjs'], 'expected the name of one machine, as in two.mjs#left (there are left, right), got: "none"'],
    ['no machine', ['none.mjs'], 'expected a machine of XState 5 among what none.mjs exports, got: "the exports list"'],
    ['an export that is no machine', ['one.mjs#count'], 'that one.mjs exports (there are default, kettle), got: "count, which is a number"'],
    ['an export that is not there', ['two.mjs#middle'], 'that two.mjs exports (there are left, right), got: "middle"'],
    ['a machine of XState 4', ['old.mjs#old'], 'got: "old, which is a machine of XState 4"'],
    ['a file that cannot be written', ['two.mjs#left', '--out', 'no/such/folder.svg'], 'expected --out: a file that can be written, got: "'],
  ] as const)('with %s says what is wrong and how to use it, with exit code 2', async ([, args, words], { expect }) => {
    const { code, stdout, stderr } = await draw(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).toMatch(/\n(?:\nUsage: espalier draw |See 'espalier draw --help'\.\n$)/);
    expect(stderr).not.toContain('\n    at ');
  });

  it('says what SVG needs where elkjs is not installed, with exit code 1', async ({ expect }) => {
    const hook = join(own, 'without-elk.mjs');
    writeFileSync(
      hook,
      "export async function resolve(name, context, next) { if (name === 'elkjs') throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' }); return next(name, context); }",
    );
    writeFileSync(join(own, 'register.mjs'), "import { register } from 'node:module'; register('./without-elk.mjs', import.meta.url);");
    const main = [`--import=${join(own, 'register.mjs')}`, built.main, 'draw', 'two.mjs#left'];
    const { code, stderr } = await run(process.execPath, main, { cwd: own }).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^espalier: expected the package elkjs \(\^0\.12\) for pictures as SVG/u),
    });
    expect(await run(process.execPath, [...main, '--format', 'dot'], { cwd: own }).ended).toMatchObject({ code: 0 });
  });
});
