/** A page that uses the package as a user's app does, in a real browser: the package as built, bundled by vite, served over HTTP, shown by Chromium. */
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { buildPackage } from './package.js';

const root = join(import.meta.dirname, '../..');

/** Debian's Chromium, or another browser of its kind; null on a machine without one. `CHROMIUM` names one elsewhere. */
export const browserPath: string | null =
  [
    process.env['CHROMIUM'] ?? '',
    ...(process.env['PATH'] ?? '')
      .split(':')
      .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))),
  ].find((path) => path !== '' && canRun(path)) ?? null;

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What came of bundling. */
export interface Bundle {
  readonly folder: string;
  /** What it imports when it runs. */
  readonly imports: readonly string[];
  /** The files it was made of, from the folder of the page on. */
  readonly modules: readonly string[];
  remove(): void;
}

/** Builds the package into a folder of its own, and bundles the page over it. */
export async function bundlePage(): Promise<Bundle> {
  mkdirSync(join(root, '.build'), { recursive: true });
  const folder = mkdtempSync(join(root, '.build', 'browser-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    return { ...(await bundleIn(folder)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function bundleIn(folder: string): Promise<Omit<Bundle, 'remove'>> {
  cpSync(join(import.meta.dirname, 'page'), folder, { recursive: true });
  // Else the page would be a part of this repository, and get whatever is in dist/.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // The entry that a page imports, what that leads to, and what takes its place there; the test kit is of no use in a browser.
  buildPackage(
    join(folder, 'node_modules', 'espalier'),
    ['src/index.ts', 'src/live/browser-socket.ts'].map((file) => join(root, file)),
  );
  const bundled = await build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    build: { minify: false, outDir: join(folder, 'site'), modulePreload: false },
  });
  const chunks = (Array.isArray(bundled) ? bundled : [bundled])
    .flatMap((one) => ('output' in one ? one.output : []))
    .filter((one) => one.type === 'chunk');
  return {
    folder: join(folder, 'site'),
    imports: chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]),
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)).map((path) => path.replace(`${folder}/`, '').replace(`${root}/`, '')),
  };
}

const mimeTypes: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves a folder on loopback. */
export async function serveFolder(folder: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://loopback').pathname);
    const file = join(folder, path === '/' ? 'index.html' : path);
    try {
      const body = readFileSync(file);
      response.writeHead(200, { 'content-type': mimeTypes[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A headless browser; `insecure.test` leads to loopback too, and is no secure context there. */
export function startBrowser(executablePath: string, args: readonly string[] = []) {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--host-resolver-rules=MAP insecure.test 127.0.0.1', ...args] });
}
