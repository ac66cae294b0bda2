/**
 * Is the package what a user needs, and no more? Builds it, looks at its list of files, has publint and attw judge it, then unpacks it as npm would
 * and uses it: every entry is imported, the examples are type-checked against it, and the README's programs are too, and run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const allowed = /^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/(?:src|machines)\/.*\.(?:js|js\.map|d\.ts)|dist\/inspector\/index\.html)$/;

/** Runs a command and returns what it printed; a command that fails ends the check. */
function run(command, args, options = {}) {
  const { status, error, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
  if (status === 0) return stdout;
  if (stdout) process.stderr.write(stdout);
  return fail(`${command} ${args.join(' ')} ${error ? `did not run: ${error.message}` : `ended with ${status}`}`);
}

function bin(name) {
  return join(root, 'node_modules', '.bin', name);
}

function fail(message) {
  console.error(`package check: ${message}`);
  process.exit(1);
}

// Nothing of an older build may slip in.
rmSync(join(root, 'dist'), { recursive: true, force: true });
run('npm', ['run', '--silent', 'build']);

const [pack] = JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
const paths = pack.files.map((file) => file.path);
const surplus = paths.filter((path) => !allowed.test(path));
if (surplus.length > 0) fail(`these files are of no use to a user: ${surplus.join(', ')}`);
const targets = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
// The inspector serves its page as a file, which no entry names.
for (const target of [
  ...targets,
  ...Object.values(manifest.bin).map((path) => `./${path}`),
  './README.md',
  './LICENSE',
  './dist/inspector/index.html',
]) {
  if (!paths.includes(target.slice(2))) fail(`a user needs ${target}, which is not in the package`);
}
for (const [name, path] of Object.entries(manifest.bin)) {
  if (!readFileSync(join(root, path), 'utf8').startsWith('#!/usr/bin/env node\n'))
    fail(`the command ${name} (${path}) does not start with #!/usr/bin/env node`);
}
console.log(`${paths.length} files, ${Math.round(pack.size / 1024)} kB packed, ${Math.round(pack.unpackedSize / 1024)} kB unpacked`);

const user = mkdtempSync(join(tmpdir(), 'espalier-user-'));
process.on('exit', () => rmSync(user, { recursive: true, force: true }));
const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', user]));
const tarball = join(user, filename);
process.stdout.write(run(bin('publint'), ['--strict', tarball]));
process.stdout.write(run(bin('attw'), [tarball, '--profile', 'esm-only']));

const modules = join(user, 'node_modules');
mkdirSync(join(modules, '@types'), { recursive: true });
run('tar', ['-xzf', tarball, '-C', user]);
symlinkSync(join(user, 'package'), join(modules, manifest.name));
// A user has what the package declares, and Node's types; nothing else of this repository.
const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
for (const name of [...declared, '@types/node'])
  for (const folder of [modules, join(user, 'package', 'node_modules')]) mkdirSync(dirname(join(folder, name)), { recursive: true });
for (const name of [...declared, '@types/node']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
for (const name of declared) symlinkSync(join(root, 'node_modules', name), join(user, 'package', 'node_modules', name));

const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
const imports = entries.map((entry) => `await import('${manifest.name}${entry.slice(1)}');`);
writeFileSync(join(user, 'entries.mjs'), imports.join('\n'));
run('node', ['entries.mjs'], { cwd: user });
// And every entry's declarations, to the last file that they mention.
writeFileSync(
  join(user, 'entries.ts'),
  entries.map((entry, index) => `export * as entry${index} from '${manifest.name}${entry.slice(1)}';`).join('\n'),
);

cpSync(join(root, 'examples'), join(user, 'examples'), { recursive: true });

const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]);
if (blocks.length === 0) fail('README.md has no program to try');
blocks.forEach((code, index) => writeFileSync(join(user, `readme-${index + 1}.ts`), code));
// XState's own types do not hold under exactOptionalPropertyTypes; ours are checked as a strict user would (skipLibCheck off).
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2023', 'ESNext.Disposable'],
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  skipLibCheck: false,
};
writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', 'examples/**/*.ts'] }));
writeFileSync(join(user, 'package.json'), '{ "type": "module", "private": true }');
run(bin('tsc'), ['-p', user], { cwd: user, stdio: 'inherit' });
blocks.forEach((_, index) => run('node', [`readme-${index + 1}.js`], { cwd: user, timeout: 30_000 }));
console.log(`entries ${entries.join(' ')} import; the examples compile; ${blocks.length} program(s) of the README compile and run`);
