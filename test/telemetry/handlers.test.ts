/** Handlers of events: attached by id, in nobody's way. */
import { describe, expect, it, vi } from 'vitest';
import { type HandlerFailure, Handlers } from '../../src/telemetry/handlers.js';

interface Told {
  readonly type: string;
  readonly n?: number;
}

const ignore = (): void => undefined;

const make = (maxHandlers?: number) => {
  const failures: HandlerFailure[] = [];
  const handlers: Handlers<Told> = new Handlers<Told>({
    onFailure: (failure) => failures.push(failure),
    ...(maxHandlers === undefined ? {} : { maxHandlers }),
  });
  const heard: string[] = [];
  const hear = (id: string) => (event: Told) => void heard.push(`${id} ${event.type}`);
  return { failures, handlers, heard, hear };
};

describe('a handler', () => {
  it('is told the events that it asked for, in the order in which handlers were attached', () => {
    const { handlers, heard, hear } = make();
    handlers.attach('all', '*', hear('all'));
    handlers.attach('gate', ['gate.*', 'health.failed'], hear('gate'));
    for (const type of ['gate.refused', 'gatekeeper.left', 'health.failed', 'health.failed.twice']) handlers.tell({ type });
    expect(heard).toEqual([
      ...['all gate.refused', 'gate gate.refused', 'all gatekeeper.left', 'all health.failed', 'gate health.failed', 'all health.failed.twice'],
    ]);
  });

  it('has its id alone', () => {
    const { handlers, hear } = make(2);
    expect(handlers.attach('a', '*', hear('a'))).toEqual({ ok: true });
    expect(handlers.attach('a', '*', hear('a'))).toEqual({ ok: false, reason: 'alreadyExists' });
    expect(handlers.attach('b', '*', hear('b'))).toEqual({ ok: true });
    expect(handlers.attach('c', '*', hear('c'))).toEqual({ ok: false, reason: 'full' });
    expect([handlers.detach('a'), handlers.detach('a'), handlers.ids()]).toEqual([true, false, ['b']]);
  });

  it('that throws is detached and told of, and the others hear the event', () => {
    const { failures, handlers, heard, hear } = make();
    const error = new Error('broken');
    handlers.attach('before', '*', hear('before'));
    handlers.attach('broken', '*', () => {
      throw error;
    });
    handlers.attach('after', '*', hear('after'));
    handlers.tell({ type: 'a' });
    handlers.tell({ type: 'b' });
    expect(heard).toEqual(['before a', 'after a', 'before b', 'after b']);
    expect(failures).toEqual([{ id: 'broken', type: 'a', error }]);
    expect(handlers.ids()).toEqual(['before', 'after']);
  });

  it('whose promise rejects is detached and told of, once', async () => {
    const { failures, handlers } = make();
    handlers.attach('late', '*', ({ n }) => Promise.reject(new Error(`late ${n}`)));
    handlers.tell({ type: 'a', n: 1 });
    handlers.tell({ type: 'a', n: 2 });
    await new Promise(setImmediate);
    expect([failures.map(({ error }) => String(error)), handlers.size]).toEqual([['Error: late 1'], 0]);
  });

  it('of an id that is taken anew is not detached for the fault of the one before', async () => {
    const { failures, handlers, hear } = make();
    handlers.attach('a', '*', () => Promise.reject(new Error('late')));
    handlers.tell({ type: 'x' });
    handlers.detach('a');
    handlers.attach('a', '*', hear('a'));
    await new Promise(setImmediate);
    expect([failures, handlers.ids()]).toEqual([[], ['a']]);
  });

  it('may attach and detach others while it is told: who is gone is told nothing, who is new hears the next', () => {
    const { handlers, heard, hear } = make();
    handlers.attach('first', '*', () => {
      handlers.detach('second');
      handlers.attach('third', '*', hear('third'));
    });
    handlers.attach('second', '*', hear('second'));
    handlers.tell({ type: 'a' });
    expect(heard).toEqual([]);
    handlers.tell({ type: 'b' });
    expect(heard).toEqual(['third b']);
  });

  it('that tells what it is told of, without end, ends itself only', () => {
    const { failures, handlers, heard, hear } = make();
    handlers.attach('loop', '*', (event): void => handlers.tell(event));
    handlers.attach('sober', 'b', hear('sober'));
    handlers.tell({ type: 'a' });
    handlers.tell({ type: 'b' });
    expect([failures.map(({ id }) => id), heard]).toEqual([['loop'], ['sober b']]);
  });

  it('that failed where even that could not be noted, as on an exhausted stack, is not taken for a circle', () => {
    const { failures, handlers, heard } = make();
    handlers.attach('a', '*', ({ n, type }) => {
      if (n !== undefined) throw new RangeError('Maximum call stack size exceeded');
      heard.push(type);
    });
    for (let n = 0; n < 40; n++) {
      const exhausted = vi.spyOn(Map.prototype, 'delete').mockImplementationOnce(() => {
        throw new RangeError('Maximum call stack size exceeded');
      });
      expect(() => handlers.tell({ type: 'x', n })).toThrow(RangeError);
      exhausted.mockRestore();
    }
    handlers.tell({ type: 'y' });
    expect([heard, failures]).toEqual([['y'], []]);
  });

  it('is not blamed for what another sends; what is sent is counted once for all who are told, and not where nobody is', () => {
    let sent = 0;
    let counts = 0;
    const during = (act: () => void): void => {
      counts++;
      act();
    };
    const failures: string[] = [];
    const handlers = new Handlers<Told>({ onFailure: ({ id }) => failures.push(id), sends: { during, count: () => sent } });
    handlers.attach('sober', 'a', ignore);
    handlers.attach('sends', 'a', () => void sent++);
    handlers.attach('sober too', 'a', ignore);
    for (let n = 0; n < 1_001; n++) for (const type of ['a', 'b']) handlers.tell({ type });
    expect([failures, counts, handlers.ids()]).toEqual([['sends'], 1_001, ['sober', 'sober too']]);
  });

  it('is told of also where whoever is told of failures throws', () => {
    const handlers = new Handlers<Told>({
      onFailure: () => {
        throw new Error('worse');
      },
    });
    handlers.attach('broken', '*', () => {
      throw new Error('bad');
    });
    expect(() => handlers.tell({ type: 'a' })).not.toThrow();
    expect(handlers.size).toBe(0);
  });

  it.each([
    ['no id', '', '*', ignore],
    ['no types', 'a', [], ignore],
    ['a type that is none', 'a', 'a..b', ignore],
    ['no function', 'a', '*', undefined],
  ])('with %s is refused', (_, id, types, handle) => {
    expect(() => make().handlers.attach(id, types, handle as never)).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
  });
});
