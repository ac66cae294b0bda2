/** The guide to the configuration is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { configFacts } from '../../machines/config/config-events.js';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('config', '.');

describe('the programs of the guide to the configuration', { timeout: 60_000 }, () => {
  it('begin with layers, an update and a secret that is not shown', async () => {
    expect(await printedBy('block0.js')).toEqual([
      '8080 false true 9090 2',
      '{"http":{"port":9090},"model":{"name":"gemini-2.5-flash","apiKey":"…"}}',
    ]);
  });

  it('have one in a tree, and its versions', async () => {
    expect(await printedBy('block1.js')).toEqual([
      '{ ok: true, version: 2, isChanged: true } debug',
      '{ ok: true, version: 3, isChanged: true } info healthy',
    ]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});

it('the guide lists every fact', () => {
  for (const type of Object.keys(configFacts)) expect(guide).toContain(`| \`${type}\` |`);
});
