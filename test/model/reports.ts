/** `MODEL_REPORTS=folder npx vitest run test/model` draws what the models reach: a picture, a page and data of each machine. */
import { CoverageFailure } from '../../src/testing/model/expect.js';
import type { PathsResult } from '../../src/testing/model/search.js';
import { writeCoverageReport } from '../../src/testing/report/write-report.js';

/**
 * Runs a gate, and writes its report if one is asked for, above all where the gate does not let the model pass.
 * @param gate  calls `expectFullCoverage`
 */
export async function reported(gate: () => PathsResult, folder = process.env['MODEL_REPORTS']): Promise<PathsResult> {
  try {
    const result = gate();
    if (folder) await writeCoverageReport(result.coverage, folder);
    return result;
  } catch (error) {
    if (folder && error instanceof CoverageFailure) await writeCoverageReport(error.coverage, folder);
    throw error;
  }
}
