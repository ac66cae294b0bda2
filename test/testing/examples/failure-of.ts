import { ModelTestFailure } from '../../../src/testing/model/failure.js';

/** What a test of the kit has found. */
export async function failureOf(act: () => unknown): Promise<ModelTestFailure> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ModelTestFailure) return error;
    throw error;
  }
  throw new Error('nothing was found');
}
