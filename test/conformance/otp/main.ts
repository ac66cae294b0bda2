import { standalone } from '../standalone.js';
import { conformance } from './command.js';

await standalone(conformance);
