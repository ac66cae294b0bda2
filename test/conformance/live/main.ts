import { standalone } from '../standalone.js';
import { conformanceLive } from './command.js';

await standalone(conformanceLive);
