/**
 * Installs bench/peers when a benchmark needs it and it is not there.
 *
 * The peers are heavy and foreign, so the root's `npm ci` leaves them out; the package of the peers has a lock file of its own.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BenchOptions } from './bench.js';

/** Where the peers live, or why they do not. */
export type Peers = { readonly ok: true; import(file: string): Promise<unknown> } | { readonly ok: false; readonly reason: string };

/** How the installer is run; the outcome is its error, or undefined. */
export type Install = (folder: string) => Promise<string | undefined>;

/** bench/peers in the source tree, found from here upwards: compiled benches run from .build/bench. */
export function peersFolder(from: string = dirname(fileURLToPath(import.meta.url))): string {
  const candidate = join(from, 'bench', 'peers');
  if (existsSync(join(candidate, 'package-lock.json'))) return candidate;
  const parent = dirname(from);
  if (parent === from) throw new Error('expected a folder bench/peers with a package-lock.json above this file, got: none');
  return peersFolder(parent);
}

/**
 * Makes sure that the peers are installed in the versions of their lock file.
 * @param say  told, in one line, before an installation begins
 * @returns never rejects: a failed installation is a value, and its subjects are skipped
 */
export async function preparePeers(say: (line: string) => void, folder: string = peersFolder(), install: Install = npmCi): Promise<Peers> {
  if (!upToDate(folder)) {
    say(`installing the peers once: npm ci in ${folder}`);
    const failure = await install(folder);
    if (failure !== undefined) return { ok: false, reason: `npm ci in bench/peers failed: ${failure}` };
  }
  return { ok: true, import: (file) => import(pathToFileURL(join(folder, file)).href) };
}

/**
 * Whom a benchmark measures: of its subjects those that are wanted, without the peers where they cannot be had.
 * @param notes  told why somebody is missing
 */
export async function chooseNames(
  { only, progress }: Pick<BenchOptions, 'only' | 'progress'>,
  names: readonly string[],
  peers: readonly string[],
  notes: string[],
): Promise<string[]> {
  const wanted = names.filter((name) => only?.includes(name) ?? true);
  if (!wanted.some((name) => peers.includes(name))) return wanted;
  const prepared = await preparePeers(progress);
  if (prepared.ok) return wanted;
  notes.push(`${peers.join(', ')}: skipped, ${prepared.reason}`);
  return wanted.filter((name) => !peers.includes(name));
}

function upToDate(folder: string): boolean {
  const { packages } = readJson(join(folder, 'package-lock.json')) as { packages: Record<string, { version?: string }> };
  return Object.entries(packages).every(([path, { version }]) => {
    const manifest = join(folder, path, 'package.json');
    return path === '' || (existsSync(manifest) && (readJson(manifest) as { version?: string }).version === version);
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

const npmCi: Install = (folder) =>
  new Promise((resolve) => {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    // A registry that does not answer must not hold the benchmark for npm's own ten minutes.
    const npm = spawn('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000, shell: process.platform === 'win32' });
    let complaint = '';
    npm.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)));
    npm.once('error', (error) => resolve(error.message));
    npm.once('close', (code, signal) => resolve(code === 0 ? undefined : gist(complaint) || `exit ${signal ?? code}`));
  });

/** npm says a code first, and what it means after it. */
function gist(complaint: string): string {
  const lines = complaint.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim());
  return lines
    .filter((line) => line !== '')
    .slice(0, 2)
    .join(': ');
}
