/** A coverage as a page: the picture, and a table of every item. */
import { escaped } from '../../charts/markup.js';
import type { Coverage } from '../model/coverage.js';
import type { CoverageKind } from '../model/coverage-items.js';
import { summary } from '../model/expect.js';
import { day, night, type Palette } from './colours.js';
import { countOf, type Mark, type Standing, standings, strayWaivers } from './standing.js';

/**
 * @param picture  the coverage as SVG
 * @returns one page that stands on its own: it loads nothing and runs nothing
 */
export function htmlOf(coverage: Coverage, picture: string): string {
  const items = standings(coverage);
  const title = escaped(`Coverage of ${coverage.machine.id}`);
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${title}</title>`,
    `<style>${style()}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${title}</h1>`,
    `<p>${escaped(summary(coverage))}.</p>`,
    ...strayWaivers(coverage).map((id) => `<p><strong>Waived, but the machine has no such item:</strong> <code>${escaped(id)}</code></p>`),
    ...countsTable(items),
    '<h2 id="diagram">Diagram</h2>',
    '<p><label><input type="checkbox" class="fit"> fit to the width of the page</label></p>',
    '<div class="scroll" role="region" aria-labelledby="diagram" tabindex="0">',
    picture.trimEnd(),
    '</div>',
    ...itemsTable(items),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const kinds: readonly (readonly [CoverageKind, string])[] = [
  ['state', 'states entered'],
  ['transition', 'transitions taken'],
  ['guard', 'guard outcomes'],
  ['invoke', 'invoke outcomes'],
  ['delay', 'delay outcomes'],
];

function countsTable(items: readonly Standing[]): readonly string[] {
  const rows = kinds.flatMap(([kind, name]) => {
    const own = items.filter((item) => item.kind === kind);
    if (own.length === 0) return [];
    const counts = (['covered', 'open', 'waived'] as const).map((mark) => own.filter((item) => item.mark === mark).length);
    const cells = [...counts, own.length].map((count) => `<td class="count">${count}</td>`);
    return [`<tr><th scope="row">${name}</th>${cells.join('')}</tr>`];
  });
  const head = ['', 'reached', 'never', 'waived', 'all'].map((name) => (name === '' ? '<td></td>' : `<th scope="col">${name}</th>`));
  return [
    '<table class="counts">',
    '<caption>How much of each kind</caption>',
    `<thead><tr>${head.join('')}</tr></thead>`,
    '<tbody>',
    ...rows,
    '</tbody>',
    '</table>',
  ];
}

function itemsTable(items: readonly Standing[]): readonly string[] {
  const head = ['hits', 'kind', 'item', 'shortest executed path', 'waiver'].map((name) => `<th scope="col">${name}</th>`);
  return [
    '<h2 id="items">Items</h2>',
    '<div class="scroll" role="region" aria-labelledby="items" tabindex="0">',
    '<table class="items">',
    '<caption>Every item, missing ones first</caption>',
    `<thead><tr>${head.join('')}</tr></thead>`,
    '<tbody>',
    ...items.map(rowOf),
    '</tbody>',
    '</table>',
    '</div>',
  ];
}

function rowOf(item: Standing): string {
  const { id, kind, mark, path, waived } = item;
  const reason = waived === undefined ? '' : `${mark === 'covered' ? 'reached all the same: ' : ''}${waived}`;
  const way = path === undefined ? 'none reaches its state' : `${mark === 'covered' ? '' : 'to its state: '}${path.join(' → ')}`;
  const cells = [
    `<td class="count"><span>${countOf(item)}</span></td>`,
    `<td>${kind}</td>`,
    `<th scope="row"><code>${escaped(withoutKind(item))}</code></th>`,
  ];
  return `<tr class="${mark}" title="${escaped(id)}">${cells.join('')}<td>${escaped(way)}</td><td>${escaped(reason)}</td></tr>`;
}

/** The kind has a column of its own. */
function withoutKind({ id, kind }: Standing): string {
  return id.startsWith(`${kind} `) ? id.slice(kind.length + 1) : id;
}

function style(): string {
  return [
    'body{margin:0;font:15px/1.5 system-ui,sans-serif}main{padding:1rem 1.5rem 3rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}',
    "code{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.87em;font-weight:400;overflow-wrap:anywhere}",
    '.scroll{overflow:auto;max-height:85vh;border:1px solid}.scroll:focus-visible{outline:3px solid;outline-offset:2px}.coverage{display:block}',
    'main:has(.fit:checked) .coverage{max-width:100%;height:auto}',
    'table{border-collapse:collapse;text-align:left}.items{width:100%}caption{text-align:left;padding:.4rem .6rem;font-weight:600}',
    'th,td{padding:.25rem .6rem;vertical-align:top;border-top:1px solid}.count{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}',
    '.items thead th{position:sticky;top:0}.items .count span{padding:0 .4rem;border-radius:.3rem}.open .count{font-weight:700}.waived .count{font-style:italic}',
    ...colours(day),
    `@media (prefers-color-scheme:dark){${colours(night).join('')}}`,
  ].join('');
}

function colours({ paper, ink, line, fills, faint }: Palette): readonly string[] {
  const marks: readonly (readonly [Mark, string])[] = [
    ['open', fills.open],
    ['waived', fills.waived],
    ['covered', fills.covered[1]],
  ];
  return [
    `body,.items thead th{background:${paper};color:${ink}}th,td,.scroll{border-color:${line}}.scroll:focus-visible{outline-color:${faint}}`,
    ...marks.map(([mark, fill]) => `.${mark} .count span{background:${fill}}`),
  ];
}
