/** Metrics as Prometheus reads them. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { promName, promText } from '../../src/telemetry/prometheus.js';

describe('the text of metrics', () => {
  it('has help, type and a line for each series', () => {
    const metrics = createMetrics();
    metrics.counter('shop.sold', { about: 'fruit sold', unit: '{fruit}', labels: ['fruit.kind'] }).add(3, { 'fruit.kind': 'pear' });
    metrics.gauge('room.degrees', { about: 'how warm' }).set(-1.5);
    metrics.upDown('room.guests', { about: 'who is there' }).add(2);
    metrics.histogram('door.wait', { about: 'before it opens', unit: 's', buckets: [0.5, 1] }).record(0.75);
    const own = metrics
      .text()
      .split('\n')
      .filter((line) => !line.includes('espalier_telemetry'));
    expect(own).toEqual([
      '# HELP shop_sold_total fruit sold',
      '# TYPE shop_sold_total counter',
      'shop_sold_total{fruit_kind="pear"} 3',
      '# HELP room_degrees how warm',
      '# TYPE room_degrees gauge',
      'room_degrees -1.5',
      '# HELP room_guests who is there',
      '# TYPE room_guests gauge',
      'room_guests 2',
      '# HELP door_wait_seconds before it opens',
      '# TYPE door_wait_seconds histogram',
      'door_wait_seconds_bucket{le="0.5"} 0',
      'door_wait_seconds_bucket{le="1"} 1',
      'door_wait_seconds_bucket{le="+Inf"} 1',
      'door_wait_seconds_sum 0.75',
      'door_wait_seconds_count 1',
      '',
    ]);
  });

  it('escapes what would end a value, or a line', () => {
    const metrics = createMetrics();
    metrics.counter('a.counter', { about: 'one\nline \\ more', labels: ['of'] }).add(1, { of: 'a"b\\c\nd' });
    const lines = metrics.text().split('\n');
    expect(lines).toContain('# HELP a_counter_total one\\nline \\\\ more');
    expect(lines).toContain('a_counter_total{of="a\\"b\\\\c\\nd"} 1');
  });

  it('has no line twice where a label says `__other__` by itself', () => {
    const metrics = createMetrics({ maxSeries: 1 });
    const counter = metrics.counter('a.counter', { about: 'one', labels: ['of'] });
    for (const of of ['x', '__other__', 'y']) counter.add(1, { of });
    const lines = metrics.text().split('\n');
    expect(lines.filter((line) => line.startsWith('a_counter_total'))).toEqual(['a_counter_total{of="x"} 1', 'a_counter_total{of="__other__"} 2']);
    expect(metrics.valueOf('espalier.telemetry.overflowed')).toBe(1);
  });

  it.each([
    ['a.b', 'a_b'],
    ['door.wait', 'door.wait_seconds_bucket'],
    ['door.wait', 'door.wait_seconds.count'],
    ['h_sum', 'h'],
  ])('has no name of two instruments: %s and %s', (first, second) => {
    const metrics = createMetrics();
    const make = (name: string): unknown =>
      name === 'door.wait' || name === 'h'
        ? metrics.histogram(name, { about: 'one', unit: name === 'h' ? '' : 's', buckets: [1] })
        : metrics.gauge(name, { about: 'one' });
    make(first);
    expect(() => make(second)).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
    expect(make(first)).toBe(make(first));
  });

  it('is empty where there are none', () => {
    expect(promText([])).toBe('');
  });

  it.each([
    ['counter', 'a.b', '', 'a_b_total'],
    ['counter', 'a.total', '', 'a_total'],
    ['counter', 'a.b', 's', 'a_b_seconds_total'],
    ['gauge', 'a.bytes', 'By', 'a_bytes'],
    ['gauge', 'a.b', '1', 'a_b_ratio'],
    ['gauge', 'a.b', '{thing}', 'a_b'],
    ['histogram', 'a.b', 'ms', 'a_b_milliseconds'],
  ] as const)('names a %s %s in %s', (kind, name, unit, expected) => {
    expect(promName({ kind, name, unit })).toBe(expected);
  });
});
