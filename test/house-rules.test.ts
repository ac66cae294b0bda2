/**
 * The law of the house. Each rule says what must hold, and each finding how to mend the breach; test/house/ has the rules themselves.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { builtIns, queue } from './house/actions.js';
import { circles, layers } from './house/layers.js';
import { atHome, company, exitNames, inSight, invokeIds, oneLiteral } from './house/machines.js';
import { pages } from './house/documents.js';
import { reasons } from './house/marks.js';
import { named } from './house/naming.js';
import { describedOnly, pureMachines } from './house/pure.js';
import { barrels, fileLength, frontDoor, names } from './house/rooms.js';
import { readHouse, sampleHouse, show } from './house/source.js';
import { sleepless } from './house/sleep.js';
import { clocks } from './house/time.js';

const house = readHouse(fileURLToPath(new URL('..', import.meta.url)));
const rules = [
  layers,
  circles,
  fileLength,
  names,
  barrels,
  frontDoor,
  pureMachines,
  describedOnly,
  oneLiteral,
  inSight,
  named,
  builtIns,
  queue,
  invokeIds,
  exitNames,
  atHome,
  company,
  clocks,
  sleepless,
  pages,
  reasons,
];

describe('the house rules', () => {
  for (const rule of rules) {
    it(rule.title, () => {
      expect(show(rule.check(house))).toBe('');
    });
  }

  it('look at the whole house', () => {
    const folders = new Set(house.modules.map(({ path }) => path.split('/')[0]));
    expect([...folders]).toEqual(expect.arrayContaining(['machines', 'src', 'test', 'bench', 'visualizations']));
  });
});

for (const { title, check, samples } of rules) {
  describe(`the rule "${title}"`, () => {
    for (const { name, files, says } of samples) {
      it(says ? `refuses ${name}` : `lets pass ${name}`, () => {
        expect(show(check(sampleHouse(files)))).toMatch(says ?? /^$/);
      });
    }
  });
}
