import { readFileSync, readdirSync } from 'node:fs';
import type { AnyStateMachine } from 'xstate';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../../machines/index.js';
import { loadElk } from '../../src/charts/load-elk.js';
import { pagesOf } from '../../visualizations/diagrams/pages.js';

const folder = new URL('../../visualizations/diagrams/', import.meta.url);
const guides = new URL('../../docs/', import.meta.url);
const machines = Object.entries<AnyStateMachine>(catalogue);

describe('the diagrams of the catalogue', { timeout: 60_000 }, () => {
  let pages: ReadonlyMap<string, string>;
  beforeAll(async () => {
    const all = machines.map(([, machine]) => machine);
    pages = await pagesOf(all, await loadElk('draw/missing-peer', 'tests'));
  }, 60_000);

  it.each([...machines.flatMap(([name]) => [`${name}.svg`, `${name}.md`]), 'README.md'])('%s is fresh (else: npm run draw)', (file) => {
    expect(readFileSync(new URL(file, folder), 'utf8') === pages.get(file)).toBe(true);
  });

  it('are of machines of the catalogue (else: npm run draw)', () => {
    const drawn = readdirSync(folder).filter((file) => /\.(?:md|svg)$/u.test(file));
    expect(drawn.sort()).toEqual([...pages.keys()].sort());
  });

  it('go by the names of the catalogue', () => {
    expect(machines.map(([name]) => name)).toEqual(machines.map(([, machine]) => machine.id));
  });

  it('stand on a page that says where it comes from, with the picture and its Mermaid text', () => {
    const page = pages.get('gate.md') ?? '';
    expect(page).toMatch(/^# gate\n\nDrawn from the machine by `npm run draw`/u);
    expect(page).toContain('The gate in front of a service');
    expect(page).toContain('![The statechart gate](gate.svg)');
    expect(page).toMatch(/```mermaid\nstateDiagram-v2\n[\s\S]*```\n$/u);
  });

  it('are shown where the documents describe their machines, each at least once', () => {
    const texts = readdirSync(guides, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => readFileSync(new URL(file, guides), 'utf8'));
    const shown = new Set(
      texts.flatMap((text) => [...text.matchAll(/!\[[^\]]+\]\((?:\.\.\/)+visualizations\/diagrams\/(\w+)\.svg\)/gu)].map(([, id]) => id)),
    );
    expect(machines.map(([name]) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});
