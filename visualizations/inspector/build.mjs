/**
 * Builds the page: one HTML file that needs nothing else and asks for nothing: scripts, styles, and ELK as the text of a worker. The same sources give
 * the same bytes. `node visualizations/inspector/build.mjs [--out FILE] [--quiet]`
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const here = import.meta.dirname;
const root = join(here, '../..');
const given = process.argv.indexOf('--out');
const out = given < 0 ? join(root, 'dist/inspector/index.html') : process.argv[given + 1];
const isQuiet = process.argv.includes('--quiet');

/** The page's modules as one script. */
async function bundled() {
  const bundle = await rolldown({
    input: join(here, 'main.ts'),
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    transform: { target: 'es2022' },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`the bundle is not what it should be: ${log.message}`);
    },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
  await bundle.close();
  const [chunk, ...others] = output;
  if (others.length > 0 || chunk.imports.length > 0)
    throw new Error(`the page is one script, got: ${[...others.map((one) => one.fileName), ...chunk.imports].join(', ')}`);
  return { code: chunk.code.trim(), modules: Object.keys(chunk.modules) };
}

/** ELK's worker with its licence's notice: it is EPL-2.0, and stays as it was published. */
function elk() {
  const require = createRequire(join(root, 'package.json'));
  const path = require.resolve('elkjs/lib/elk-worker.min.js');
  const { version } = JSON.parse(readFileSync(join(dirname(path), '../package.json'), 'utf8'));
  const notice = [
    '/*!',
    ` * elkjs ${version}, unchanged: https://github.com/kieler/elkjs`,
    ' * Copyright (c) Kiel University and others.',
    ' * Made available under the terms of the Eclipse Public License 2.0: https://www.eclipse.org/legal/epl-2.0',
    ' * SPDX-License-Identifier: EPL-2.0 OR GPL-3.0-or-later',
    ' */',
  ];
  return `${notice.join('\n')}\n${readFileSync(path, 'utf8')}`;
}

function styles() {
  const folder = join(here, 'style');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.css'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
    .replaceAll(/\/\*[\s\S]*?\*\//gu, '')
    .replaceAll(/\s*\n\s*/gu, '\n')
    .trim();
}

function hash(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Text within <script>: what would end it is written in another way that means the same in a string. */
function withinScript(text) {
  return text.replaceAll('</script', String.raw`<\/script`).replaceAll('<!--', String.raw`<\!--`);
}

const { code, modules } = await bundled();
const stranger = modules.find((path) => path.includes('node:') || /node_modules\/(?:ws|xstate|elkjs)\//u.test(path));
if (stranger !== undefined) throw new Error(`the page holds what it has no use for: ${stranger}`);
const script = withinScript(code);
const style = styles();
// Nothing from anywhere but the page itself and the server that it came from.
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  'worker-src blob:',
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
const parts = { POLICY: policy, STYLE: style, ELK: withinScript(elk()), SCRIPT: script };
const html = readFileSync(join(here, 'index.html'), 'utf8').replaceAll(/%([A-Z]+)%/gu, (_, name) => parts[name]);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, html);

const kB = (text) => `${Math.round(Buffer.byteLength(text) / 1024)} kB (${Math.round(gzipSync(text).length / 1024)} kB gzipped)`;
if (!isQuiet) {
  process.stdout.write(`inspector: ${kB(html)}; its own script ${kB(script)}, styles ${kB(style)}, ELK ${kB(parts.ELK)}\n`);
}
