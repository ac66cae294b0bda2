/** Documents: short, and true. */
import type { File, Rule } from './source.js';

/** A page: what a person reads without turning over. */
const page = { lines: 60, words: 500 };

export const pages: Rule = {
  title: 'a decision fits on one page',
  check: ({ files }) =>
    files
      .filter(({ path }) => path.startsWith('docs/decisions/'))
      .flatMap(({ path, text }) => {
        const lines = text.trimEnd().split('\n').length;
        const words = text.split(/\s+/).filter(Boolean).length;
        if (!/^docs\/decisions\/\d{3}-[a-z0-9-]+\.md$/.test(path)) return [{ path, message: 'is not named NNN-what-was-decided.md' }];
        if (lines <= page.lines && words <= page.words) return [];
        return [
          {
            path,
            message: `has ${lines} lines and ${words} words, a page has ${page.lines} and ${page.words}: what was decided, why, what it costs`,
          },
        ];
      }),
  samples: [
    { name: 'two pages', files: { 'docs/decisions/001-a.md': 'why\n'.repeat(61) }, says: /61 lines/ },
    { name: 'a page too full', files: { 'docs/decisions/001-a.md': 'why '.repeat(501) }, says: /501 words/ },
    { name: 'a decision without a number', files: { 'docs/decisions/a.md': '' }, says: /NNN/ },
    { name: 'one page', files: { 'docs/decisions/001-a.md': 'why\n'.repeat(60) } },
  ],
};

/** One fenced block of TypeScript in a document. */
export interface CodeBlock {
  readonly path: string;
  readonly line: number;
  readonly code: string;
}

/** The blocks fenced as `ts`, in order; a block fenced as `ts ignore` is no program. */
export function codeBlocks({ path, text }: File): CodeBlock[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[1] ?? '',
  }));
}
