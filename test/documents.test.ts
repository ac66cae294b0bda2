/** The documents are true: their programs compile, their links lead somewhere, and CI runs what the README says. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runUsage } from '../src/cli/run-usage.js';
import { demoUsage, drawUsage, geminiServerUsage, inspectUsage, replayUsage, treeUsage, watchUsage } from '../src/cli/usage.js';
import { codeBlocks } from './house/documents.js';
import { readHouse } from './house/source.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { files } = readHouse(root);
const isDocument = (path: string): boolean => /^(?:README|CONTRIBUTING|CHANGELOG)\.md$|^docs\/.*\.md$/.test(path);
const documents = files.filter(({ path }) => isDocument(path));
const readme = documents.find(({ path }) => path === 'README.md')?.text ?? '';

/** The commands of `espalier`, and what each says of itself. */
const usages: ReadonlyMap<string, string> = new Map([
  ...([
    ['demo', demoUsage],
    ['gemini-server', geminiServerUsage],
    ['draw', drawUsage],
    ['inspect', inspectUsage],
  ] as const),
  ...([
    ['tree', treeUsage],
    ['watch', watchUsage],
    ['replay', replayUsage],
    ['run', runUsage],
  ] as const),
]);

/** Type-checks programs against the package as it is in machines/ and src/; returns the compiler's complaints. */
function complaints(programs: readonly { readonly name: string; readonly code: string }[]): string {
  mkdirSync(join(root, '.build'), { recursive: true });
  const folder = mkdtempSync(join(root, '.build', 'documents-'));
  for (const { name, code } of programs) writeFileSync(join(folder, `${name}.ts`), code);
  const entry = (path: string): string[] => [`../../${path}`];
  const paths = {
    espalier: entry('src/index.ts'),
    'espalier/charts': entry('src/charts/index.ts'),
    'espalier/inspector': entry('src/inspector/index.ts'),
    'espalier/machines': entry('machines/index.ts'),
    'espalier/testing': entry('src/testing/index.ts'),
  };
  const config = { extends: '../../tsconfig.json', compilerOptions: { rootDir: '../..', paths }, include: ['*.ts'], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  try {
    execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the programs of the documents', () => {
  it('type-check against the package, and a wrong one does not', { timeout: 60_000 }, () => {
    const programs = documents.flatMap(codeBlocks).map(({ path, line, code }) => ({ name: `${path.replace(/\W/g, '-')}-${line}`, code }));
    const wrong = { name: 'wrong', code: "import { nothing } from 'espalier';\nnothing();\n" };
    expect(programs.length).toBeGreaterThan(0);
    const found = complaints([...programs, wrong])
      .split('\n')
      .filter(Boolean);
    expect(found.filter((line) => !line.includes('wrong.ts'))).toEqual([]);
    expect(found.join('\n')).toMatch(/wrong\.ts.*nothing/);
  });

  it('are found by line', () => {
    expect(codeBlocks({ path: 'a.md', text: '# a\n\n```ts\nx();\n```\n\n```sh\nls\n```\n' })).toEqual([{ path: 'a.md', line: 4, code: 'x();\n' }]);
  });
});

describe('the links of the documents', () => {
  it('lead to files of the repository', () => {
    const paths = new Set(files.flatMap(({ path }) => path.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'))));
    const broken = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((match) => posix.join(posix.dirname(path), match[1] ?? ''))
        .filter((target) => !paths.has(target))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('the commands of the documents', () => {
  /** What is typed: in a block for a shell, or between backquotes; `…` and what follows a comment is not. */
  const typed = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/^```(?:sh|text)?\n([\s\S]*?)^```$|`([^`\n]+)`/gm)]
      .flatMap(([, block, inline]) => (block ?? inline ?? '').split('\n'))
      .map((line) => ({ path, line: line.trim() })),
  );
  const found = (pattern: RegExp) =>
    typed.flatMap(({ path, line }) => [...line.matchAll(pattern)].map(([, name = '', flags = '']) => ({ path, name, flags })));

  it('are scripts that there are, where they are run by npm', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };
    const named = found(/\bnpm run (?:--silent )?([\w:]+)/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });

  it('are commands that there are, with options that they have', () => {
    const named = found(/^(?:npx )?espalier (\w[\w-]*)((?: .*)?)$/g);
    expect(new Set(named.map(({ name }) => name))).toEqual(new Set(usages.keys()));
    const unknown = named.flatMap(({ path, name, flags }) =>
      [...flags.matchAll(/(?<= )--[\w-]+/g)]
        .filter(([flag]) => usages.get(name)?.includes(`  ${flag} `) !== true)
        .map(([flag]) => `${path}: ${name} ${flag}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the README', () => {
  it.each(['npm ci && npm start', 'npm ci && npm test'])('has the command line `%s`', (line) => {
    expect(readme).toContain(`\`\`\`sh\n${line}\n\`\`\``);
  });

  it('says before its first program what it is written in, and how it is run', () => {
    const [before = ''] = readme.split('```ts\n', 1);
    for (const words of ['are TypeScript', '`npx tsx app.mts`', '`node app.mts`']) expect(before).toContain(words);
  });

  it('says how to test in the words that CI runs', () => {
    expect(readFileSync(join(root, '.ci', 'run'), 'utf8')).toMatch(/^\(npm ci && npm test\)$/m);
  });
});
