/** elkjs, the optional package that lays charts out, loaded when the first chart is drawn. The only file here that knows of it: a page brings its own. */
import { EspalierError, type ErrorCode } from '../errors.js';
import type { Elk } from './elk-graph.js';

/**
 * @param code  of the error where elkjs is not installed
 * @param what  needs it, as in `pictures of a coverage`
 * @throws EspalierError
 */
export async function loadElk(code: ErrorCode, what: string): Promise<Elk> {
  try {
    const { default: elk } = await import('elkjs');
    return new elk.default() as unknown as Elk;
  } catch (cause) {
    const expected = `the package elkjs (^0.12) for ${what}: npm install --save-dev elkjs`;
    throw new EspalierError(code, { expected, got: String((cause as { code?: unknown }).code) }, { cause });
  }
}
