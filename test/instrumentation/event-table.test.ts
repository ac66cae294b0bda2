/** The table of events has every fact that an actor of Espalier emits, and its page is as the table is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { telemetryPage } from '../../src/instrumentation/event-page.js';
import type { Rows } from '../../src/instrumentation/event-row.js';
import { eventGroups, rowOf, typesOf } from '../../src/instrumentation/event-table.js';
import { readHouse } from '../house/source.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the table of events', () => {
  it('has every type of fact that a machine, or the actor of one, emits', () => {
    const known = new Set(eventGroups.flatMap(({ rows }) => Object.keys(rows)));
    const emitted = readHouse(root)
      .modules.filter(({ path }) => /^(?:machines|src)\//.test(path) && !/^(?:src\/(?:testing|cli|inspector)|machines\/inspector)\//.test(path))
      .flatMap(({ path, text }) => {
        // `emit({ type: 'a.b'`, `emit(({ context }) => ({ type: 'a.b'`, `enqueue.emit({ type: 'a.b'`, `emitFrom(self, { type: 'a.b'`
        const found = text.matchAll(/\bemit(?:From)?\((?:[^'"`;]{0,120}?)\btype: '([\w.]+)'/g);
        return [...found].map(([, type = '']) => ({ path, type }));
      });
    expect(emitted.length).toBeGreaterThan(40);
    expect(emitted.filter(({ type }) => !known.has(type))).toEqual([]);
  });

  it('knows a fact by its machine: two that have the same name are two', () => {
    expect(rowOf('liveSession', 'tool.called')?.fields).toHaveProperty('args');
    expect(rowOf('conversation', 'tool.called')?.fields).toHaveProperty('call');
    expect(rowOf('gate', 'tool.called')).toBeUndefined();
    expect(rowOf(null, 'endpoint.opened')?.level).toBe('info');
    expect(typesOf('gate')).toContain('gate.refused');
  });

  it('marks as content only fields that there are, and all that hold what was said', () => {
    const rows = eventGroups.flatMap(({ rows }) => Object.entries(rows));
    expect(rows.filter(([, { content = [], fields }]) => content.some((field) => !(field in fields)))).toEqual([]);
    const said = ['args', 'response', 'text', 'message', 'result', 'handle', 'excerpt', 'piece'];
    const untold = rows.flatMap(([type, { content = [], fields }]) =>
      said.filter((f) => f in fields && !content.includes(f)).map((f) => `${type} ${f}`),
    );
    expect(untold).toEqual([]);
  });

  it('does not compile without a fact, without a field, or with one that is not there', () => {
    type Fact = { type: 'a.done'; by: string } | { type: 'b.done' | 'c.done' };
    const row = { about: 'x', level: 'info', fields: {} } as const;
    const whole: Rows<Fact> = { 'a.done': { ...row, fields: { by: 'whom' } }, 'b.done': row, 'c.done': row };
    // @ts-expect-error -- c.done is missing
    const missing: Rows<Fact> = { 'a.done': { ...row, fields: { by: 'whom' } }, 'b.done': row };
    // @ts-expect-error -- the field `by` is missing
    const fieldless: Rows<Fact> = { ...whole, 'a.done': row };
    // @ts-expect-error -- there is no field `of`
    const strange: Rows<Fact> = { ...whole, 'a.done': { ...row, fields: { by: 'whom', of: 'what' } } };
    expect([whole, missing, fieldless, strange]).toHaveLength(4);
  });

  it('is what docs/telemetry.md says: `npm run telemetry:docs`', () => {
    expect(readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8')).toBe(telemetryPage());
  });
});
