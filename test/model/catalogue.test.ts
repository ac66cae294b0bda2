import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../machines/index.js';
import type { AnyModel } from '../../src/testing/model/model.js';
import { models } from '../../src/testing/models/catalogue.js';

/** Each is a model of any machine too: code may take them all. */
const all: Readonly<Record<string, AnyModel>> = models;
const fileOf = (id: string): string => `${id.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.test.ts`;

describe('the catalogue', () => {
  it('lists each machine under its own id', () => {
    expect(Object.entries(catalogue).map(([name, machine]) => [name, machine.id])).toEqual(Object.keys(catalogue).map((name) => [name, name]));
  });

  for (const [name, machine] of Object.entries(catalogue)) {
    it(`has a model-based test of ${name}`, () => {
      const file = new URL(fileOf(machine.id), import.meta.url);
      expect(existsSync(file), `test/model/${fileOf(machine.id)} is missing: it calls expectFullCoverage(models.${name})`).toBe(true);
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`\\bexpectFullCoverage\\(models\\.${name}\\b`, 'u'));
      expect(all[name]?.machine).toBe(machine);
    });
  }
});
