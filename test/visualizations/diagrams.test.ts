import { readFileSync, readdirSync } from 'node:fs';
import type { AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../machines/index.js';
import { diagramPage } from '../../visualizations/diagrams/mermaid.js';

const folder = new URL('../../visualizations/diagrams/', import.meta.url);
const machines = Object.entries<AnyStateMachine>(catalogue);

describe('the diagrams of the catalogue', () => {
  it.each(machines)('%s is fresh (else: npm run draw)', (_, machine) => {
    expect(readFileSync(new URL(`${machine.id}.md`, folder), 'utf8')).toBe(diagramPage(machine));
  });

  it('are of machines of the catalogue (else: npm run draw)', () => {
    const drawn = readdirSync(folder).filter((file) => file.endsWith('.md'));
    expect(drawn.sort()).toEqual(machines.map(([, machine]) => `${machine.id}.md`).sort());
  });

  it('go by the names of the catalogue', () => {
    expect(machines.map(([name]) => name)).toEqual(machines.map(([, machine]) => machine.id));
  });
});
