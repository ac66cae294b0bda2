/** The version of this package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peersFolder } from '../../install-peers.js';

export const { version } = JSON.parse(readFileSync(join(peersFolder(), '../..', 'package.json'), 'utf8')) as { readonly version: string };
