/** Handlers in a circle, and callbacks that fail in ways of their own: telemetry tells them, and the app goes on. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Actor, type AnyActorRef, type AnyStateMachine, createActor, emit, setup } from 'xstate';
import { instrument } from '../../src/instrumentation/instrument.js';
import type { InstrumentationOptions } from '../../src/instrumentation/options.js';
import { systemOf } from '../../src/supervision/xstate-internals.js';
import { jsonLogger, type Logger } from '../../src/telemetry/logger.js';
import { withSubject } from '../../src/telemetry/subject.js';
import { telemetryWorld } from './telemetry-world.js';

const town = setup({}).createMachine({ id: 'town', on: { rain: { actions: emit({ type: 'town.flooded' }) } } });
const open: AnyActorRef[] = [];
let printed: unknown[][] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'error').mockImplementation((...words) => void printed.push(words));
});
afterEach(() => {
  for (const actor of open.splice(0)) actor.stop();
});

function grow(options: InstrumentationOptions = {}) {
  const actor: Actor<AnyStateMachine> = createActor(town as AnyStateMachine, { id: 'town' });
  const telemetry = instrument({ actor, ...options });
  const told: unknown[] = [];
  telemetry.handlers.attach('watch', 'telemetry.*', ({ fact: { id, type, where } }) => told.push([type, id ?? where]));
  open.push(actor.start());
  return { actor, telemetry, told, faults: (where: string) => telemetry.metrics.valueOf('espalier.telemetry.faults', { where }) };
}
const detached = (id: string) => ['telemetry.handlerDetached', id];

describe('a handler in a circle', () => {
  it('that sends what causes its fact is detached, and the call that began it returns', () => {
    const { actor, telemetry, told } = grow();
    let calls = 0;
    telemetry.handlers.attach('mine', 'town.*', () => {
      // A guard of the test's own: without the bound it would never end.
      if (++calls < 20_000) actor.send({ type: 'rain' });
    });
    actor.send({ type: 'rain' });
    expect([told, calls, telemetry.handlers.ids()]).toEqual([[detached('mine')], 1_001, ['watch']]);
  });

  it('over two actors of two systems is detached', () => {
    const { actor, telemetry, told } = grow();
    const other = createActor(town, { id: 'other' });
    telemetry.attach(other);
    open.push(other.start());
    let calls = 0;
    telemetry.handlers.attach('mine', 'town.*', ({ actor: from }) => {
      if (++calls < 20_000) (from === 'town' ? other : actor).send({ type: 'rain' });
    });
    actor.send({ type: 'rain' });
    expect(told).toEqual([detached('mine')]);
    expect(calls).toBeLessThan(5_000);
  });

  it('is none where another sends much, or where the handler sends to one that is idle', () => {
    const { actor, telemetry, told } = grow();
    const quiet = createActor(setup({}).createMachine({ id: 'quiet', on: { noted: {} } }));
    telemetry.attach(quiet);
    open.push(quiet.start());
    telemetry.handlers.attach('mine', 'town.*', () => quiet.send({ type: 'noted' }));
    for (let n = 0; n < 3_000; n++) actor.send({ type: 'rain' });
    expect([told, telemetry.handlers.ids()]).toEqual([[], ['watch', 'mine']]);
  });

  it('is none where the event loop turns between', async () => {
    const { actor, telemetry, told } = grow();
    let sent = false;
    telemetry.handlers.attach('mine', 'town.*', () => {
      sent = !sent;
      if (sent) actor.send({ type: 'rain' });
    });
    const burst = (): void => {
      for (let n = 0; n < 800; n++) actor.send({ type: 'rain' });
    };
    burst();
    // What runs immediately may still be of the same turn; what that asks for is of the next.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    burst();
    expect(told).toEqual([]);
  });
});

describe('what fails', () => {
  it('as a write of the log that rejects loses its line only, is counted, and told once', async () => {
    const { actor, faults, told } = grow({ logger: jsonLogger({ level: 'debug', write: () => Promise.reject(new Error('disk full')) }) });
    for (let n = 0; n < 3; n++) actor.send({ type: 'rain' });
    await new Promise(setImmediate);
    // Three lines, and that of the fault itself.
    expect([told, faults('the logger')]).toEqual([[['telemetry.faulted', 'the logger']], 4]);
  });

  it('as a logger that rejects loses its line only, is counted, and told once', async () => {
    let lines = 0;
    const write = (): Promise<never> => (lines++, Promise.reject(new Error('down')));
    const logger: Logger = { level: 'debug', child: () => logger, debug: write, info: write, warn: write, error: write };
    const { actor, faults, told } = grow({ logger });
    for (let n = 0; n < 3; n++) actor.send({ type: 'rain' });
    await new Promise(setImmediate);
    expect([told, lines, faults('the logger')]).toEqual([[['telemetry.faulted', 'the logger']], 4, 4]);
  });

  it('as a span that does not say whose it is, is the tracer’s fault and not the logger’s', () => {
    const lines: string[] = [];
    const span = {
      spanContext: () => {
        throw new Error('no context');
      },
      ...{ setAttributes: () => undefined, addEvent: () => undefined, setStatus: () => undefined, end: () => undefined },
    };
    const opentelemetry = { context: { active: () => null }, trace: { getTracer: () => ({ startSpan: () => span }), setSpan: () => null } };
    const telemetry = instrument({ opentelemetry, logger: jsonLogger({ level: 'debug', write: (line) => lines.push(line) }) });
    const told: unknown[] = [];
    telemetry.handlers.attach('watch', 'telemetry.faulted', ({ fact }) => told.push(fact['where']));
    const stream = setup({}).createMachine({ id: 'httpStream', on: { rain: { actions: emit({ type: 'town.flooded' }) } } });
    const actor = createActor(withSubject(stream, { provider: 'p', model: 'm' }));
    telemetry.attach(actor);
    open.push(actor.start());
    actor.send({ type: 'rain' });
    actor.send({ type: 'rain' });
    expect(told).toEqual(['the tracer']);
    expect(lines.filter((line) => line.includes('town.flooded'))).toHaveLength(2);
  });

  it('as a handler whose failure cannot even be noted, as on an exhausted stack, leaves no inspection of the app behind', () => {
    const { actor, faults, telemetry } = grow();
    const system = systemOf(actor);
    const uninspected = system._sendInspectionEvent;
    telemetry.handlers.attach('mine', 'town.*', () => {
      vi.spyOn(Map.prototype, 'delete').mockImplementationOnce(() => {
        throw new RangeError('Maximum call stack size exceeded');
      });
      throw new RangeError('Maximum call stack size exceeded');
    });
    actor.send({ type: 'rain' });
    vi.mocked(Map.prototype.delete).mockRestore();
    expect([faults('a fact'), system._sendInspectionEvent === uninspected]).toEqual([1, true]);
  });

  it('as two handlers of everything at one fact is told of both, also where they throw what cannot be read', () => {
    const { actor, telemetry, told } = grow();
    const trap = (): never => {
      throw new Error('a trap');
    };
    const hostile: unknown = new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
    const fail = (): never => {
      throw hostile;
    };
    telemetry.handlers.attach('one', '*', fail);
    telemetry.handlers.attach('two', '*', fail);
    actor.send({ type: 'rain' });
    expect(told).toEqual(expect.arrayContaining([detached('one'), detached('two')]));
    expect([told.length, telemetry.handlers.ids()]).toEqual([2, ['watch']]);
  });
});

it('the process is measured for a meter that nobody reads but OpenTelemetry', async () => {
  const world = telemetryWorld();
  for (const name of ['process.memory.usage', 'nodejs.eventloop.utilization']) {
    const points = await world.measured(name);
    expect([name, points.length, typeof points[0]?.value]).toEqual([name, 1, 'number']);
  }
  expect(await world.measured('espalier.telemetry.collection')).toEqual([]);
  await world.close();
});
