import { standalone } from '../standalone.js';
import { conformanceHttp } from './command.js';

await standalone(conformanceHttp);
