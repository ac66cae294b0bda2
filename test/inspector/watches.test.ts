import { createMachine, createActor, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { policyOf } from '../../src/inspector/page.js';
import { isIn, readViewerFrame, ServerFrames } from '../../src/inspector/protocol.js';
import { Touched } from '../../src/inspector/touched.js';
import { mostWatches, outermostOf, Watches } from '../../src/inspector/watches.js';
import { systemOf } from '../../src/supervision/xstate-internals.js';

describe('branches', () => {
  it('hold an actor and those below it, and nobody whose name only begins so', () => {
    expect(isIn('', 'app')).toBe(true);
    expect(isIn('app/a', 'app/a')).toBe(true);
    expect(isIn('app/a', 'app/a/b')).toBe(true);
    expect(isIn('app/a', 'app/a#2')).toBe(false);
    expect(isIn('app/a', 'app')).toBe(false);
    expect(outermostOf(['app/a', 'app', 'app/b', 'other', 'app'])).toEqual(['app', 'other']);
    expect(outermostOf(['app', ''])).toEqual(['']);
  });

  it('are watched as the longest says', () => {
    const watches = new Watches();
    expect(watches.detailOf('app')).toBeNull();
    watches.set('', 'summary');
    watches.set('app/a', 'full');
    watches.set('app/a/b', 'summary');
    expect(['app', 'app/a', 'app/a/x', 'app/a/b', 'app/a/b/c', 'app/a#2'].map((path) => watches.detailOf(path))).toEqual([
      ...['summary', 'full', 'full', 'summary', 'summary', 'summary'],
    ]);
    expect(watches.full()).toEqual(['app/a']);
    expect(watches.delete('app/a')).toBe(true);
    expect(watches.delete('app/a')).toBe(false);
    expect(watches.detailOf('app/a/x')).toBe('summary');
  });

  it('are bounded', () => {
    const watches = new Watches();
    for (let index = 0; index < mostWatches; index++) expect(watches.set(`a${index}`, 'full')).toBe(true);
    expect(watches.set('b', 'full')).toBe(false);
    expect(watches.set('a1', 'summary')).toBe(true);
  });
});

describe('what has been touched', () => {
  const lamp = createMachine({ initial: 'off', states: { off: { on: { TURN: 'on' } }, on: { on: { TURN: 'off' } } } });
  const start = (): AnyActorRef => createActor(lamp).start();

  it('is counted while somebody looks, and told once until it is taken', () => {
    const actor = start();
    let woken = 0;
    const touched = new Touched(actor, () => woken++);
    actor.send({ type: 'TURN' });
    touched.on();
    touched.on();
    actor.send({ type: 'TURN' });
    actor.send({ type: 'TURN' });
    expect(woken).toBe(1);
    expect([...touched.take()]).toEqual([[actor, 2]]);
    actor.send({ type: 'TURN' });
    expect(woken).toBe(2);
    touched.off();
    actor.send({ type: 'TURN' });
    expect([...touched.take()]).toEqual([]);
    expect(actor.getSnapshot()).toMatchObject({ value: 'on' });
    actor.stop();
  });

  it('leaves the system as it was, and does not take away who has come before it', () => {
    const actor = start();
    const system = systemOf(actor);
    const original = system._relay;
    const [one, two] = [new Touched(actor, () => undefined), new Touched(actor, () => undefined)];
    one.on();
    one.off();
    expect(system._relay).toBe(original);
    one.on();
    two.on();
    one.off();
    actor.send({ type: 'TURN' });
    expect([...two.take()]).toEqual([[actor, 1]]);
    one.on();
    actor.send({ type: 'TURN' });
    expect([...one.take()]).toEqual([[actor, 1]]);
    expect(actor.getSnapshot()).toMatchObject({ value: 'off' });
    actor.stop();
  });
});

describe('the page', () => {
  it('may run its own scripts and styles, by their hash, and nobody else’s', () => {
    const policy = policyOf(
      '<html><script type="module">\nlet a;\n</script><script src="https://evil.example/x.js"></script><style>a{}</style></html>',
    );
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/]{43}='; /);
    expect(policy).toMatch(/; style-src 'sha256-[\w+/]{43}='; /);
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("connect-src 'self'");
    // A style in a script is a text like any other.
    expect(policyOf('<script>"<style>a{}</style>"</script>')).toContain("style-src 'none'");
    expect(policyOf('<p>')).toContain("script-src 'none'");
  });
});

describe('frames', () => {
  it('of a viewer are what the protocol has, or are not read', () => {
    expect(readViewerFrame('{"type":"watch","id":1,"branch":"","detail":"full"}')).toMatchObject({ ok: true });
    for (const frame of [
      '',
      '[]',
      '{"type":"watch","id":1,"branch":"","detail":"full","more":1}',
      '{"type":"watch","id":-1,"branch":"","detail":"full"}',
    ])
      expect(readViewerFrame(frame)).toMatchObject({ ok: false });
  });

  it('of the server that come in parts are put together, and one that is missing is found', () => {
    const frames = new ServerFrames();
    const part = (index: number, last: boolean, text: string): string => JSON.stringify({ type: 'part', index, last, text });
    expect(frames.read(part(0, false, '{"type":"bye",'))).toBeNull();
    expect(frames.read(part(1, true, '"why":"so"}'))).toEqual({ ok: true, message: { type: 'bye', why: 'so' } });
    expect(frames.read(part(0, false, '{'))).toBeNull();
    expect(frames.read(part(2, true, '}'))).toMatchObject({ ok: false });
  });
});
