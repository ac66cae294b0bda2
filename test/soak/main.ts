import { standalone } from '../conformance/standalone.js';
import { soakLive } from './command.js';

await standalone(soakLive);
