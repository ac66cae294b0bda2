/** `npm run mutants [-- MACHINE…]`. */
import { readFileSync } from 'node:fs';
import { models } from '../../src/testing/models/catalogue.js';
import type { WaivedMutants } from '../../src/testing/mutation/mutation-test.js';
import { enter } from './door.js';
import { tryAll } from './trials.js';

const waived = JSON.parse(readFileSync('test/mutants/waived.json', 'utf8')) as Readonly<Record<string, WaivedMutants>>;

process.exitCode = await enter(process.argv.slice(2), { models, waived, tryAll }, process);
