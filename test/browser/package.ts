/** The package as its users get it: built, with the package.json that says what stands for what. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** What threads and processes begin with, which nothing imports. */
const programs = ['in-process.js', 'in-thread.js'].map((name) => join(root, 'src/isolation', name));

/** Builds what these entries lead to; types are another check's. Without type checks it takes some two seconds. */
export function buildPackage(folder: string, entries: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  compile(folder, [...entries, ...programs], { rootDir: root, outDir: join(folder, 'dist'), allowJs: true });
}

/** Compiles programs where they stand. */
export function compilePrograms(folder: string, files: readonly string[]): void {
  compile(
    folder,
    files.map((file) => join(folder, file)),
    // Their package is there in JavaScript, beside them: it is not compiled once more.
    { rootDir: folder, outDir: folder, allowJs: false },
  );
}

function compile(folder: string, files: readonly string[], options: object): void {
  const config = join(folder, 'tsconfig.json');
  const compilerOptions = { noEmit: false, noCheck: true, declaration: false, declarationMap: false, sourceMap: false, ...options };
  writeFileSync(config, JSON.stringify({ extends: relative(folder, join(root, 'tsconfig.json')), compilerOptions, files, include: [] }));
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: ['ignore', 'inherit', 'inherit'] });
}
