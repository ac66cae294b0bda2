import { standalone } from '../standalone.js';
import { conformanceCompiled } from './command.js';

await standalone(conformanceCompiled);
