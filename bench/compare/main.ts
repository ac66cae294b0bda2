/** `npm run compare:live`. */
import { cases } from './cases/all.js';
import { enter } from './door.js';
import { runCell } from './run-cell.js';
import { chooseSubjects, subjectNames } from './subjects.js';

process.exitCode = await enter(process.argv.slice(2), { cases, subjectNames, chooseSubjects, runCell }, process);
