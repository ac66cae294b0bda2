/** What the isolation benchmark asks of each subject: jobs of one module, in threads. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Not built with the bench: a thread reads it where it stands. */
export const jobs = pathToFileURL(join(process.cwd(), 'bench/isolation/jobs.mjs'));

export interface Pool {
  run(name: string, input: unknown): Promise<unknown>;
  end(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  begin(threads: number): Pool;
}
