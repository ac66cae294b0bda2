/** The guide is true: who follows it to the letter sees what it says. Every run of it is one folder here; vitest runs them all, as a user's would. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stagesOf } from './guide-program.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const guide = readFileSync(join(root, 'docs/guides/testing.md'), 'utf8');
const stages = stagesOf(guide);
const entries = {
  espalier: 'src/index.ts',
  'espalier/machines': 'machines/index.ts',
  'espalier/testing': 'src/testing/index.ts',
  'espalier/testing/vitest': 'src/testing/vitest.ts',
};
let folder = '';
let printed = '';
let tests: readonly { readonly file: string; readonly title: string; readonly status: string }[] = [];

interface Report {
  readonly testResults: readonly { name: string; assertionResults: readonly { title: string; status: string }[] }[];
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** A process with nothing of this run in its environment. */
function start(...args: readonly string[]): string {
  const { PATH = '', HOME = '' } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { PATH, HOME, NO_COLOR: '1' } });
  return `${stdout}\n${stderr}`;
}

beforeAll(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  folder = mkdtempSync(join(root, '.build', 'guide-'));
  const alias = Object.entries(entries).map(([name, path]) => ({ find: `^${name}$`, replacement: join(root, path) }));
  write(
    'vitest.config.mjs',
    `const alias = ${JSON.stringify(alias)}.map(({ find, replacement }) => ({ find: new RegExp(find), replacement }));\n` +
      "export default { resolve: { alias }, test: { include: ['**/*.test.ts'], isolate: false } };\n",
  );
  const paths = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, [join(root, path)]]));
  write(
    'tsconfig.json',
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { rootDir: '../..', paths }, include: ['**/*.ts'], exclude: [] }),
  );
  for (const [index, { files }] of stages.entries()) for (const [name, code] of files) write(`stage-${index}/${name}`, code);
  printed = start(join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', '--outputFile=report.json');
  const { testResults } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
  tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => ({ file: name.slice(folder.length + 1), title, status })),
  );
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the guide to testing', () => {
  it('type-checks at every run', { timeout: 60_000 }, () => {
    const complaints = start(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false').split('\n');
    expect(complaints.filter((line) => line.startsWith('stage-'))).toEqual([]);
  });

  it.each(stages.map((stage, index) => ({ ...stage, index })))('tells the truth about the run at line $line', ({ index, shown }) => {
    const mine = tests.filter(({ file }) => file.startsWith(`stage-${index}/`));
    expect(mine.length).toBeGreaterThan(0);
    const failed = mine.filter(({ status }) => status !== 'passed').map(({ file, title }) => `${file.replace(`stage-${index}/`, '')} > ${title}`);
    const output = printed.replaceAll(`stage-${index}/`, '').replaceAll(/[ \t]+$/gm, '');
    for (const text of shown) expect(output).toContain(text);
    expect(failed.filter((test) => !shown.some((text) => text.includes(`FAIL  ${test}\n`)))).toEqual([]);
  });

  it('draws the conversation that it has printed, and the README shows the same', () => {
    const drawn = /^```mermaid\n([\s\S]*?)^```$/m.exec(guide)?.[1] ?? '';
    const shown = /^```text\n(ModelTestFailure[\s\S]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
    for (const text of [drawn, shown])
      expect([text, stages.some((stage) => stage.shown.some((one) => text !== '' && one.includes(text)))]).toEqual([text, true]);
  });
});
