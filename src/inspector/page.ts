/**
 * The page that is served: one file, which asks for nothing but the socket. What it may do is said to the browser with it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A page, and what the browser lets it do. */
export interface Page {
  readonly html: string;
  readonly policy: string;
}

/** Where the build puts it, beside the compiled package. */
const built = new URL('../../inspector/index.html', import.meta.url);

const missing = `<!doctype html><meta charset="utf-8"><title>espalier inspector</title>
<p>The inspector runs, and its page was not built. In a clone: npm run build.</p>
<p>The terminal shows the same: espalier tree, espalier watch.</p>
`;

/** Reads the page. A package without one serves words that say so. Never rejects. */
export async function readPage(file: URL = built): Promise<Page> {
  const html = await readFile(file, 'utf8').catch(() => missing);
  return { html, policy: policyOf(html) };
}

/** Scripts and styles that stand in the page, by their hash; a worker made of text; nobody else's anything. */
export function policyOf(html: string): string {
  const scripts = [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)].filter(([, attributes = '']) => !/\bsrc\s*=/i.test(attributes));
  const rest = scripts.reduce((left, [script]) => left.replace(script, () => ''), html);
  const styles = [...rest.matchAll(/<style\b([^>]*)>([\s\S]*?)<\/style>/gi)];
  const rules = [
    "default-src 'none'",
    `script-src ${hashesOf(scripts)}`,
    'worker-src blob:',
    `style-src ${hashesOf(styles)}`,
    'img-src data: blob:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return rules.join('; ');
}

function hashesOf(elements: readonly RegExpMatchArray[]): string {
  const hashes = elements.map(([, , text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return [...new Set(hashes)].join(' ') || "'none'";
}
