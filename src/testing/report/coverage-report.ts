/** What a model's tests have reached, to look at: the machine's own diagram coloured by hits, a page, data, or plain text. */
import { EspalierError } from '../../errors.js';
import { Coverage } from '../model/coverage.js';
import { htmlOf } from './html.js';
import { svgOf } from './svg.js';
import { textOf } from './text.js';

const formats = ['svg', 'html', 'json', 'text'] as const;

/**
 * - `svg`: the diagram, as a picture that stands on its own
 * - `html`: the diagram and a table of every item, as one page that loads nothing and runs nothing
 * - `json`: `coverage.toJSON()`, indented, for CI to compare
 * - `text`: every item, for a terminal
 */
export type CoverageFormat = (typeof formats)[number];

export interface CoverageReportOptions {
  readonly format: CoverageFormat;
}

/**
 * Draws or lists a coverage. Equal coverages make equal bytes.
 * @param coverage  of `testPaths`, `propertyTest`, `interleavings` or `expectFullCoverage`
 * @returns text that ends with a line break
 * @throws EspalierError `testing/invalid-options`; `testing/missing-peer` where `svg` or `html` is asked for and elkjs is not installed
 */
export async function coverageReport(coverage: Coverage, options: CoverageReportOptions): Promise<string> {
  const { format } = checked(coverage, options);
  switch (format) {
    case 'svg':
      return svgOf(coverage);
    case 'html':
      return htmlOf(coverage, await svgOf(coverage));
    case 'json':
      return jsonOf(coverage);
    case 'text':
      return textOf(coverage);
  }
}

export function jsonOf(coverage: Coverage): string {
  return `${JSON.stringify(coverage, null, 2)}\n`;
}

function checked(coverage: unknown, options: unknown): CoverageReportOptions {
  checkCoverage('coverageReport', coverage);
  const refuse = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected: `coverageReport: ${expected}`, got });
  };
  if (typeof options !== 'object' || options === null) return refuse('an object of options', options);
  const unknown = Object.keys(options).find((key) => key !== 'format');
  if (unknown !== undefined) return refuse('options out of format', unknown);
  const { format } = options as { format?: unknown };
  if (!formats.includes(format as CoverageFormat)) return refuse(`\`format\`, one of ${formats.join(', ')}`, format);
  return options as CoverageReportOptions;
}

/** Refuses what is no coverage: the result of a search, for one, which only has one. */
export function checkCoverage(caller: string, coverage: unknown): asserts coverage is Coverage {
  if (coverage instanceof Coverage) return;
  const got = typeof coverage === 'object' && coverage !== null ? `an object of ${Object.keys(coverage).join(', ')}` : coverage;
  throw new EspalierError('testing/invalid-options', { expected: `${caller}: a Coverage, as in \`const { coverage } = testPaths(model)\``, got });
}
