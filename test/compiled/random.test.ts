/** Machines by chance, compiled and interpreted: all that can be seen of them is the same. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiled/compile.js';
import { randomMachine } from './random-machine.js';
import { traceOf } from './trace.js';

const probes = ['a', 'b', 'c', 'd.x', 'e'].map((type) => ({ type }));
const blocks = Array.from({ length: 8 }, (_, block) => block * 10);

describe('a compiled machine', () => {
  it.each(blocks)('does what the interpreted one does, whatever it is: ten by seed from %i', { timeout: 120_000 }, (from) => {
    for (let seed = from; seed < from + 10; seed++) {
      const { machine, deeds } = randomMachine(seed);
      expect(traceOf(compile(machine), deeds, probes), `seed ${seed}`).toEqual(traceOf(machine, deeds, probes));
    }
  });
});
