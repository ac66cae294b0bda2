#!/usr/bin/env node
/** The command `espalier`. The rest is imported only once this Node is known to be able to run it. */
import { isSupported, wantedNode } from './node-version.js';

if (isSupported(process.versions.node)) {
  const { run } = await import('./command-line.js');
  process.exitCode = await run(process.argv.slice(2), process);
} else {
  process.stderr.write(`espalier needs Node ${wantedNode}, and this is Node ${process.versions.node}\n`);
  process.exitCode = 1;
}
