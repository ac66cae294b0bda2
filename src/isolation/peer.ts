/** Where the package `piscina` is, which a user of isolated work installs. */
import { createRequire } from 'node:module';
import { EspalierError } from '../errors.js';
import { processSeat } from './process-seat.js';
import type { OpenSeat } from './seat.js';
import { threadSeat } from './thread-seat.js';

/**
 * How seats are opened. The package is looked for here, so that it is missed once and by name, and not by each process.
 * @throws EspalierError `isolation/missing-peer`
 */
export async function findSeats(inside: 'process' | 'thread', resolve?: (name: string) => string): Promise<OpenSeat> {
  // Not written out at the import: who builds a page with Espalier has no such package, and needs none.
  const name = 'piscina';
  try {
    (resolve ?? createRequire(import.meta.url).resolve)(name);
    if (inside === 'process') return processSeat;
    const found = (await import(/* @vite-ignore */ name)) as { readonly Piscina: Parameters<typeof threadSeat>[0] };
    return threadSeat(found.Piscina);
  } catch (cause) {
    throw new EspalierError('isolation/missing-peer', { expected: 'the package piscina (^5.3): npm install piscina', got: 'none' }, { cause });
  }
}
