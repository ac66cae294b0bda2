/** Frames that no viewer and no app would send: 10 000 of each kind, from a seed. Nothing throws, nothing grows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ForeignViewer } from '../../../src/inspector/adapters/foreign.js';
import { StatelyApp } from '../../../src/inspector/adapters/stately-app.js';
import { StatelyViewer } from '../../../src/inspector/adapters/statelyai.js';
import { v5Config } from '../../../src/inspector/adapters/v5-config.js';
import { XStateInspect } from '../../../src/inspector/adapters/xstate-inspect.js';
import { Scene } from '../../../src/recording/scene.js';
import { anyLine } from '../../../src/wire/recording/lines.js';
import { charts, hostileNames } from './charts.js';
import { small } from './small.js';

const runs = { seed: 20_260_601, numRuns: 10_000 };
const hostile = fc.constantFrom(...hostileNames, 'xstate.stop', 'xstate.inspecting', 'service.stop', 'house', 'house/door');
const anything = fc.oneof(fc.anything({ maxDepth: 3 }), hostile, fc.json());

/** JSON of a frame with any of its fields replaced or left out. */
function mangled(fields: { readonly [key: string]: fc.Arbitrary<unknown> }): fc.Arbitrary<string> {
  const each = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, fc.oneof({ weight: 4, arbitrary: value }, anything)]));
  return fc.record(each, { requiredKeys: [] }).map((frame) => text(frame));
}

function text(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? 'undefined';
  } catch {
    return 'undefined';
  }
}

const noise = fc.oneof(
  fc.string(),
  fc.json(),
  anything.map(text),
  fc.nat(40_000).map((depth) => '['.repeat(depth)),
);
const scxml = mangled({
  name: hostile,
  data: fc.record({ type: hostile, more: anything }),
  origin: fc.constantFrom('house', 'house/door#2', 'nobody'),
});
const ofViewer = fc.oneof(noise, mangled({ type: fc.constantFrom('xstate.event', 'xstate.inspecting'), event: scxml, service: hostile }));

describe('frames of viewers', () => {
  const viewers: [string, () => ForeignViewer][] = [
    ['@xstate/inspect', () => new XStateInspect()],
    ['@statelyai/inspect', () => new StatelyViewer()],
  ];

  it.each(viewers)('of %s harm nobody, and ask for nothing that is not allowed', (_, make) => {
    const viewer = make();
    viewer.lines(small);
    const told = ['house', 'house/door#2'];
    let sent = 0;
    fc.assert(
      fc.property(ofViewer, (frame) => {
        const inbound = viewer.receive(frame);
        if (inbound.kind === 'refused') expect(inbound.why).toMatch(/^expected /);
        if (inbound.kind !== 'send') return;
        sent++;
        expect(told).toContain(inbound.actor);
        expect(inbound.event.type).toMatch(/^(?!xstate\.)./su);
        expect(Object.getPrototypeOf(inbound.event)).toBe(Object.prototype);
      }),
      runs,
    );
    if (viewer instanceof XStateInspect) expect(sent).toBeGreaterThan(100);
  });
});

describe('frames of an app with @statelyai/inspect', () => {
  const session = fc.constantFrom('x:0', 'x:1', 'x:2', 'x:3', '', '__proto__');
  const snapshot = fc.record(
    { status: fc.constantFrom('active', 'done', 'error', 'stopped'), value: anything, context: anything, error: anything, output: anything },
    { requiredKeys: [] },
  );
  const definition = fc.oneof(
    charts(hostileNames).map((chart) => text(v5Config(chart))),
    fc.json(),
    anything.map(text),
  );
  const base = { sessionId: session, createdAt: fc.oneof(fc.nat().map(String), hostile), rootId: session, _version: fc.constant('0.7.2') };
  const frames = fc.oneof(
    noise,
    mangled({ ...base, type: fc.constant('@xstate.actor'), name: hostile, parentId: fc.option(session), definition, snapshot }),
    mangled({ ...base, type: fc.constant('@xstate.event'), event: fc.record({ type: hostile, more: anything }), sourceId: fc.option(session) }),
    mangled({ ...base, type: fc.constant('@xstate.snapshot'), event: fc.record({ type: hostile }), snapshot }),
  );

  it('make lines that are lines, in order and of a bounded size, or none', () => {
    let lines = 0;
    let app = new StatelyApp();
    let scene = new Scene();
    let frame = 0;
    fc.assert(
      fc.property(frames, (text) => {
        if (frame++ % 100 === 0) [app, scene] = [new StatelyApp(), new Scene()];
        const read = app.receive(text);
        if (read.kind === 'refused') return;
        for (const line of read.lines) {
          lines++;
          expect(anyLine.safeParse(line).error).toBeUndefined();
          expect(line.seq).toBe(scene.seq + 1);
          expect(JSON.stringify(line).length).toBeLessThan(65_536);
          scene.take(line);
        }
      }),
      { ...runs, endOnFailure: true },
    );
    expect(lines).toBeGreaterThan(1_000);
  });
});

describe('an app with @statelyai/inspect', () => {
  const message = (fields: object): string => JSON.stringify({ sessionId: 'x:0', createdAt: '5', ...fields });

  it('has no more actors than there is room for, and those that live are kept', () => {
    const app = new StatelyApp();
    app.receive(message({ type: '@xstate.actor', name: 'root', snapshot: { status: 'active' } }));
    for (let index = 1; index < 12_000; index++) {
      const sessionId = `x:${index}`;
      app.receive(message({ type: '@xstate.actor', sessionId, parentId: 'x:0', name: 'c', snapshot: { status: 'active' } }));
      app.receive(message({ type: '@xstate.snapshot', sessionId, snapshot: { status: 'done' } }));
    }
    const known = (sessionId: string): boolean => {
      const read = app.receive(message({ type: '@xstate.event', sessionId, event: { type: 'a' } }));
      return read.kind === 'lines' && read.lines.length === 1;
    };
    expect([known('x:0'), known('x:1'), known('x:1999'), known('x:2001'), known('x:11999')]).toEqual([true, false, false, true, true]);
  });

  it('is not told twice of what it sends again, and its secrets are not kept', () => {
    const app = new StatelyApp();
    const actor = message({ type: '@xstate.actor', name: 'root', snapshot: { status: 'active', value: 'a', context: { apiKey: 'k-123' } } });
    const first = app.receive(actor);
    expect(JSON.stringify(first)).toContain('"apiKey":{"$redacted":true}');
    expect(app.receive(actor)).toEqual({ kind: 'lines', lines: [] });
  });

  it.each([
    ['nothing', ''],
    ['what is no JSON', '{'],
    ['what is too long', JSON.stringify({ type: '@xstate.event', text: 'x'.repeat(1_100_000) })],
    ['what is too deep', `{"type":"@xstate.event","sessionId":"x:0","event":{"type":"a","more":${'['.repeat(300)}${']'.repeat(300)}}}`],
    ['a message of another inspector', '{"type":"xstate.inspecting"}'],
  ])('is refused %s', (_, text) => {
    expect(new StatelyApp().receive(text)).toMatchObject({ kind: 'refused' });
  });
});
