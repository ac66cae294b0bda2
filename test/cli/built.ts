/** The package as a user has it, built into a folder of its own; and its command, run as a process. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Built {
  readonly folder: string;
  /** The file of the command. */
  readonly main: string;
  remove(): void;
}

/** Builds package and examples: the examples import the package by its name, and get what was built. */
export function build(): Built {
  mkdirSync(join(root, '.build'), { recursive: true });
  const folder = mkdtempSync(join(root, '.build', 'cli-'));
  const tsc = (...args: string[]): void => {
    execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  };
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  tsc('-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist'));
  mkdirSync(join(folder, 'examples'));
  copyFileSync(join(root, 'examples', 'embed-a-supervisor.ts'), join(folder, 'examples', 'embed-a-supervisor.ts'));
  const compilerOptions = { noEmit: false, rootDir: '.', outDir: '.', declaration: false, declarationMap: false, sourceMap: false };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['examples'], exclude: [] }),
  );
  tsc('-p', folder);
  return { folder, main: join(folder, 'dist', 'src', 'cli', 'main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Settles when what was printed so far matches; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

const processes = new Set<ChildProcess>();

/** Ends whatever a failed test has left. */
export function endAll(): void {
  for (const child of processes) child.kill('SIGKILL');
}

/** Runs a program with nothing of npm's or the terminal's in its environment but what is given. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, { cwd: options.cwd ?? root, env: { PATH, HOME, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.add(child);
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of looks) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      processes.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout);
        if (found === null) return;
        looks.delete(look);
        resolve(found);
      };
      looks.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without printing ${String(pattern)}:\n${stdout}${stderr}`)), reject);
    });
  return { child, ended, printed };
}
