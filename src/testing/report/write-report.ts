/** Reports as files, for a person to open and for CI to keep. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EspalierError } from '../../errors.js';
import type { Coverage } from '../model/coverage.js';
import { checkCoverage, jsonOf } from './coverage-report.js';
import { htmlOf } from './html.js';
import { svgOf } from './svg.js';

/** The files that were written: their paths. */
export interface WrittenReport {
  readonly svg: string;
  readonly html: string;
  readonly json: string;
}

/**
 * Writes `<machine id>.svg`, `.html` and `.json`; what a path cannot hold in an id is written `%2F`.
 * @param folder  made where it is missing; files of an earlier report are replaced
 * @throws EspalierError `testing/invalid-options`, `testing/missing-peer`; what Node throws where it cannot write
 */
export async function writeCoverageReport(coverage: Coverage, folder: string): Promise<WrittenReport> {
  checkCoverage('writeCoverageReport', coverage);
  if (typeof folder !== 'string' || folder === '') {
    throw new EspalierError('testing/invalid-options', { expected: 'writeCoverageReport: the path of a folder', got: folder });
  }
  const svg = await svgOf(coverage);
  const stem = join(folder, encodeURIComponent(coverage.machine.id.replaceAll(/\p{Cs}/gu, '\uFFFD')).replaceAll('*', '%2A'));
  const written: WrittenReport = { svg: `${stem}.svg`, html: `${stem}.html`, json: `${stem}.json` };
  await mkdir(folder, { recursive: true });
  await writeFile(written.svg, svg);
  await writeFile(written.html, htmlOf(coverage, svg));
  await writeFile(written.json, jsonOf(coverage));
  return written;
}
