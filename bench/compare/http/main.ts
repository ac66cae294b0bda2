/** `npm run compare:http`. */
import { cases } from './cases.js';
import { compareHttp } from './command.js';
import { run } from './run.js';
import { chooseSubjects, subjectNames } from './subjects.js';

process.exitCode = await compareHttp(process.argv.slice(2), { cases, subjectNames, chooseSubjects, run }, process);
