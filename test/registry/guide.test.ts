/** The guide to the registry is true: its programs run against the built package, and its tables are the tables of the code. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registryFacts } from '../../machines/registry/registry-events.js';
import { guidePrograms } from '../browser/guide-programs.js';

const { guide, blocks, printedBy } = guidePrograms('registry', '.');

describe('the programs of the guide to the registry', { timeout: 60_000 }, () => {
  it('begin with a name that follows a restart', async () => {
    expect(await printedBy('block0.js')).toEqual(['true true']);
  });

  it('have one owner of a name, many of a topic, and none that is dead', async () => {
    expect(await printedBy('block1.js')).toEqual(['true false', "[ 'db: a' ]", '2', "undefined [ 'b' ]"]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
    expect(readdirSync('docs/guides')).toContain('registry.md');
  });
});

it.each(Object.entries(registryFacts))('the guide tells %s with every field', (type, { fields }) => {
  const row = guide.split('\n').find((line) => line.startsWith(`| \`${type}\` |`));
  for (const field of Object.keys(fields)) expect(row).toContain(`\`${field}\``);
});
