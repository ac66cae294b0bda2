/** Metrics say what was recorded, for as long as the process lives, in bounded memory. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { overflowLabel } from '../../src/telemetry/series.js';

afterEach(() => {
  vi.useRealTimers();
});

const seriesOf = (metrics: Metrics, name: string) => metrics.read().find((metric) => metric.name === name)?.series ?? [];
const about = 'for a test';

describe('what is recorded', () => {
  it('of a counter is its sum, not how often it was told', () => {
    const metrics = createMetrics();
    const sold = metrics.counter('shop.sold', { about, labels: ['fruit'] });
    sold.add(5, { fruit: 'pear' });
    sold.add(2, { fruit: 'pear' });
    sold.add(1, { fruit: 'plum' });
    expect(seriesOf(metrics, 'shop.sold').map(({ labels, value }) => [labels, value])).toEqual([
      [{ fruit: 'pear' }, 7],
      [{ fruit: 'plum' }, 1],
    ]);
    expect([metrics.valueOf('shop.sold'), metrics.valueOf('shop.sold', { fruit: 'pear' })]).toEqual([8, 7]);
  });

  it('of a gauge is its last value, of what rises and falls the difference', () => {
    const metrics = createMetrics();
    const degrees = metrics.gauge('room.degrees', { about });
    const guests = metrics.upDown('room.guests', { about });
    for (const value of [19, 23, -4]) degrees.set(value);
    for (const difference of [3, -1]) guests.add(difference);
    expect([metrics.valueOf('room.degrees'), metrics.valueOf('room.guests')]).toEqual([-4, 2]);
  });

  it('of a histogram is how many, their sum, and how many within each bound, the bound included', () => {
    const metrics = createMetrics();
    const waits = metrics.histogram('door.wait', { about, unit: 's', buckets: [1, 5] });
    for (const value of [1, 1.001, 5, 6, 100]) waits.record(value);
    expect(seriesOf(metrics, 'door.wait')).toEqual([{ labels: {}, value: 113.001, count: 5, counts: [1, 2, 2] }]);
  });

  it('of a histogram has the average of all its values, however they came', () => {
    const metrics = createMetrics();
    const waits = metrics.histogram('door.wait', { about, buckets: [10] });
    for (const value of [100, 1, 1, 1]) waits.record(value);
    const [reading] = seriesOf(metrics, 'door.wait');
    expect((reading?.value ?? 0) / (reading?.count ?? 0)).toBe(25.75);
  });

  it('keeps its labels, in the order of their declaration, whatever else is given', () => {
    const metrics = createMetrics();
    const calls = metrics.counter('calls.made', { about, labels: ['b', 'a'] });
    calls.add(1, { a: 1, b: true, c: 'no label' } as never);
    calls.add(1, { a: null });
    calls.add(1, {});
    expect(seriesOf(metrics, 'calls.made')).toEqual([
      { labels: { b: 'true', a: '1' }, value: 1 },
      { labels: { b: '', a: '' }, value: 2 },
    ]);
  });

  it('is refused and counted where its labels throw when they are read, and nothing is thrown', () => {
    const metrics = createMetrics();
    const labels = {
      get to(): string {
        throw new Error('no');
      },
    };
    const own = { about, labels: ['to'] } as const;
    metrics.counter('calls.made', own).add(1, labels);
    metrics.counter('calls.made', own).of(labels).add(1);
    metrics.upDown('calls.open', own).add(1, labels);
    metrics.gauge('calls.load', own).set(1, labels);
    metrics.histogram('calls.wait', { ...own, buckets: [1] }).record(1, labels);
    metrics
      .histogram('calls.wait', { ...own, buckets: [1] })
      .of(labels)
      .record(1);
    const refused = ['calls.made', 'calls.open', 'calls.load', 'calls.wait'].map((instrument) =>
      metrics.valueOf('espalier.telemetry.refused', { instrument }),
    );
    expect(refused).toEqual([2, 1, 1, 2]);
    expect(seriesOf(metrics, 'calls.made')).toEqual([]);
  });

  it('holds two lists of values apart whose texts are the same when they are joined', () => {
    const metrics = createMetrics();
    const calls = metrics.counter('calls.made', { about, labels: ['a', 'b'] });
    for (const [a, b] of [
      ['x', '1:y'],
      ['x1:', 'y'],
      ['1:x', 'y'],
      ['', '3:1:x'],
    ] as const)
      calls.add(1, { a, b });
    expect(seriesOf(metrics, 'calls.made')).toHaveLength(4);
  });

  it('goes by a series that was found once, too', () => {
    const metrics = createMetrics();
    const calls = metrics.counter('calls.made', { about, labels: ['to'] });
    const one = calls.of({ to: 'x' });
    one.add(2);
    calls.add(1, { to: 'x' });
    expect(metrics.valueOf('calls.made', { to: 'x' })).toBe(3);
  });
});

describe('nothing is erased', () => {
  it('after a year without a word: no cleaning up is ever due', () => {
    vi.useFakeTimers();
    const metrics = createMetrics();
    metrics.counter('old.counter', { about, labels: ['of'] }).add(3, { of: 'x' });
    metrics.histogram('old.histogram', { about, buckets: [1] }).record(0.5);
    metrics.gauge('old.gauge', { about }).set(7);
    const before = metrics.text();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(366 * 24 * 3_600_000);
    expect(metrics.text()).toBe(before);
    expect([metrics.valueOf('old.counter'), metrics.valueOf('old.histogram'), metrics.valueOf('old.gauge')]).toEqual([3, 0.5, 7]);
  });

  it('by being read', () => {
    const metrics = createMetrics();
    metrics.counter('a.counter', { about }).add(3);
    expect([metrics.text(), metrics.text()][1]).toBe(metrics.text());
    expect(metrics.valueOf('a.counter')).toBe(3);
  });

  it('by whoever declares the same again', () => {
    const metrics = createMetrics();
    const options = { about, labels: ['of'] } as const;
    metrics.counter('a.counter', options).add(3, { of: 'x' });
    metrics.counter('a.counter', { ...options, about: 'in other words' }).add(1, { of: 'x' });
    expect(metrics.valueOf('a.counter')).toBe(4);
  });

  it('whatever the labels: no record is lost, and no series falls', () => {
    const record = fc.tuple(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }), fc.nat(100));
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (records, maxSeries) => {
        const metrics = createMetrics({ maxSeries });
        const counter = metrics.counter('some.records', { about, labels: ['a', 'b'] });
        let sum = 0;
        let before = new Map<string, number>();
        for (const [a, b, value] of records) {
          counter.add(value, { a, b });
          sum += value;
          const now = new Map(seriesOf(metrics, 'some.records').map(({ labels, value: each }) => [JSON.stringify(labels), each]));
          for (const [labels, former] of before) expect(now.get(labels) ?? -1).toBeGreaterThanOrEqual(former);
          before = now;
        }
        expect(metrics.valueOf('some.records')).toBe(sum);
        expect(before.size).toBeLessThanOrEqual(maxSeries + 1);
      }),
    );
  });
});

describe('the number of series', () => {
  it('is bounded: what is beyond goes into one, is told once and counted', () => {
    const told: unknown[] = [];
    const metrics = createMetrics({ maxSeries: 2, onOverflow: (overflow) => told.push(overflow) });
    const calls = metrics.counter('calls.made', { about, labels: ['user', 'kind'] });
    for (let n = 0; n < 10_000; n++) calls.add(1, { user: `u${n}`, kind: 'x' });
    calls.add(5, { user: 'u1', kind: 'x' });
    expect(seriesOf(metrics, 'calls.made').map(({ labels, value }) => [labels['user'], labels['kind'], value])).toEqual([
      ['u0', 'x', 1],
      ['u1', 'x', 6],
      [overflowLabel, overflowLabel, 9_998],
    ]);
    expect(told).toEqual([{ name: 'calls.made', maxSeries: 2 }]);
    expect(metrics.valueOf('espalier.telemetry.overflowed', { instrument: 'calls.made' })).toBe(9_998);
  });

  it('is that of the instrument, where it says one', () => {
    const metrics = createMetrics({ maxSeries: 1 });
    const calls = metrics.histogram('calls.took', { about, labels: ['user'], maxSeries: 3, buckets: [1] });
    for (let n = 0; n < 5; n++) calls.record(n, { user: `u${n}` });
    expect(seriesOf(metrics, 'calls.took').map(({ labels, count }) => [labels['user'], count])).toEqual([
      ['u0', 1],
      ['u1', 1],
      ['u2', 1],
      [overflowLabel, 2],
    ]);
  });

  it('and the length of a value are bounds of memory', () => {
    const metrics = createMetrics();
    metrics.counter('calls.made', { about, labels: ['user'] }).add(1, { user: 'x'.repeat(10_000) });
    expect(seriesOf(metrics, 'calls.made')[0]?.labels['user']).toHaveLength(128);
  });
});

describe('a record that is none', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '5', undefined])('is refused, and counted: %s', (value) => {
    const metrics = createMetrics();
    const counter = metrics.counter('a.counter', { about });
    counter.add(2);
    counter.add(value as number);
    expect([metrics.valueOf('a.counter'), metrics.valueOf('espalier.telemetry.refused', { instrument: 'a.counter' })]).toEqual([2, 1]);
  });
});

describe('a declaration', () => {
  const metrics = createMetrics();
  metrics.counter('a.counter', { about, labels: ['of'] });
  it.each([
    ['a name with capitals', () => metrics.counter('aCounter', { about })],
    ['no name', () => metrics.counter(undefined as never, { about })],
    ['nothing about it', () => metrics.counter('b.counter', {} as never)],
    ['a misspelt option', () => metrics.counter('b.counter', { about, lables: [] } as never)],
    ['a label le', () => metrics.histogram('b.histogram', { about, labels: ['le'], buckets: [1] })],
    ['labels that Prometheus takes for one', () => metrics.counter('b.counter', { about, labels: ['a.b', 'a_b'] })],
    ['no buckets', () => metrics.histogram('b.histogram', { about } as never)],
    ['buckets that do not ascend', () => metrics.histogram('b.histogram', { about, buckets: [1, 1] })],
    ['a bucket that is no number', () => metrics.histogram('b.histogram', { about, buckets: [1, Infinity] })],
    ['the name of another', () => metrics.gauge('a.counter', { about, labels: ['of'] })],
    ['other labels', () => metrics.counter('a.counter', { about })],
    ['an observer that is none', () => metrics.observe(undefined as never)],
    ['a meter that is none', () => createMetrics({ meter: {} as never })],
    ['no bound', () => createMetrics({ maxSeries: 0 })],
  ])('with %s is refused', (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
  });
});

describe('a measurement', () => {
  const make = () => {
    const metrics = createMetrics();
    return { metrics, took: metrics.histogram('work.took', { about, unit: 's', labels: ['of'], buckets: [60] }) };
  };
  const count = (metrics: Metrics) => seriesOf(metrics, 'work.took')[0]?.count;

  it('gives back what was made, and is recorded once', () => {
    const { metrics, took } = make();
    expect(metrics.measure(took, { of: 'x' }, () => 42)).toBe(42);
    expect(count(metrics)).toBe(1);
  });

  it('lasts as long as a promise does', async () => {
    const { metrics, took } = make();
    let settle: (value: number) => void = () => undefined;
    const result = metrics.measure(took, { of: 'x' }, () => new Promise<number>((resolve) => (settle = resolve)));
    expect(count(metrics)).toBeUndefined();
    settle(7);
    expect([await result, count(metrics)]).toEqual([7, 1]);
  });

  it('passes on what is thrown or rejected, and records that too', async () => {
    const { metrics, took } = make();
    const fail = (): never => {
      throw new RangeError('far');
    };
    expect(() => metrics.measure(took, { of: 'x' }, fail)).toThrow(RangeError);
    await expect(metrics.measure(took, { of: 'x' }, () => Promise.reject(new RangeError('far')))).rejects.toThrow(RangeError);
    expect(count(metrics)).toBe(2);
  });
});

describe('whoever listens', () => {
  it('to readings is asked at each, and one that throws is asked no more', () => {
    const faults: unknown[] = [];
    const metrics = createMetrics({ onFault: (where) => faults.push(where) });
    const degrees = metrics.gauge('room.degrees', { about });
    let now = 19;
    metrics.observe(() => {
      throw new Error('broken');
    });
    const watch = metrics.observe(() => degrees.set(now++));
    metrics.read();
    metrics.read();
    expect([metrics.valueOf('room.degrees'), faults]).toEqual([20, ['an observer of metrics']]);
    watch.unsubscribe();
    metrics.read();
    expect(metrics.valueOf('room.degrees')).toBe(20);
  });

  it('to overflows may throw, and the record is taken', () => {
    const faults: unknown[] = [];
    const metrics = createMetrics({
      maxSeries: 1,
      onFault: (where) => faults.push(where),
      onOverflow: () => {
        throw new Error('broken');
      },
    });
    const counter = metrics.counter('a.counter', { about, labels: ['of'] });
    for (const of of ['x', 'y', 'z']) counter.add(1, { of });
    expect([metrics.valueOf('a.counter'), faults]).toEqual([3, ['onOverflow']]);
  });

  it('may give back a promise that rejects: it is told, and the process goes on', async () => {
    const faults: string[] = [];
    const reject = (): Promise<never> => Promise.reject(new Error('broken'));
    const metrics = createMetrics({
      maxSeries: 1,
      onOverflow: reject,
      onFault: (where: string) => (faults.push(where), reject()),
    });
    let asked = 0;
    metrics.observe(() => (asked++, reject()));
    const counter = metrics.counter('a.counter', { about, labels: ['of'] });
    for (const of of ['x', 'y']) counter.add(1, { of });
    metrics.read();
    metrics.read();
    await new Promise(setImmediate);
    metrics.read();
    expect([faults, asked]).toEqual([['onOverflow', 'an observer of metrics'], 2]);
  });

  it('as a meter that throws is told nothing more, and the record is taken', () => {
    const faults: string[] = [];
    let told = 0;
    const broken = {
      add: () => {
        told++;
        throw new Error('broken');
      },
    };
    const meter = { createCounter: () => broken, createUpDownCounter: () => broken, createGauge: () => broken, createHistogram: () => broken };
    const metrics = createMetrics({ meter: meter as never, onFault: (where) => faults.push(where) });
    const counter = metrics.counter('a.counter', { about });
    counter.add(1);
    counter.add(1);
    expect([metrics.valueOf('a.counter'), told, faults]).toEqual([2, 1, ['the meter, of a.counter,']]);
  });
});
