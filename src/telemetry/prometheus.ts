/**
 * Metrics in the text format of Prometheus, 0.0.4, without exemplars.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ for names and units
 */
import type { Declaration, SeriesReading } from './instruments.js';

/** The content type of {@link promText}. */
export const promType = 'text/plain; version=0.0.4; charset=utf-8';

const units: Readonly<Record<string, string>> = { s: 'seconds', ms: 'milliseconds', By: 'bytes', '1': 'ratio' };
const words = { counter: 'counter', upDown: 'gauge', gauge: 'gauge', histogram: 'histogram' } as const;

/** The name as Prometheus has it: `espalier.store.commit.duration` in `s` is `espalier_store_commit_duration_seconds`; counters end in `_total`. */
export function promName({ kind, name, unit }: Pick<Declaration, 'kind' | 'name' | 'unit'>): string {
  const base = name.replaceAll('.', '_');
  const word = unit.startsWith('{') ? '' : (units[unit] ?? '');
  const whole = word === '' || base.endsWith(`_${word}`) ? base : `${base}_${word}`;
  return kind === 'counter' && !whole.endsWith('_total') ? `${whole}_total` : whole;
}

/** Every name that the lines of an instrument begin with. Two instruments that had one of them in common could not be told apart. */
export function promNames(declaration: Pick<Declaration, 'kind' | 'name' | 'unit'>): readonly string[] {
  const name = promName(declaration);
  return declaration.kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

/** @throws never */
export function promText(metrics: readonly (Declaration & { readonly series: readonly SeriesReading[] })[]): string {
  const lines: string[] = [];
  for (const metric of metrics) {
    const name = promName(metric);
    lines.push(`# HELP ${name} ${escapeHelp(metric.about)}`, `# TYPE ${name} ${words[metric.kind]}`);
    for (const reading of metric.series) {
      if (metric.kind === 'histogram') writeHistogram(lines, name, metric.buckets, reading);
      else lines.push(`${name}${labelsOf(reading.labels)} ${numberOf(reading.value)}`);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function writeHistogram(lines: string[], name: string, buckets: readonly number[], { labels, value, count = 0, counts = [] }: SeriesReading): void {
  let within = 0;
  for (const [place, bound] of buckets.entries()) {
    within += counts[place] ?? 0;
    lines.push(`${name}_bucket${labelsOf(labels, numberOf(bound))} ${within}`);
  }
  lines.push(`${name}_bucket${labelsOf(labels, '+Inf')} ${count}`, `${name}_sum${labelsOf(labels)} ${numberOf(value)}`);
  lines.push(`${name}_count${labelsOf(labels)} ${count}`);
}

function labelsOf(labels: Readonly<Record<string, string>>, bound?: string): string {
  const all = Object.entries(labels).map(([name, value]) => `${name.replaceAll('.', '_')}="${escapeValue(value)}"`);
  if (bound !== undefined) all.push(`le="${bound}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberOf(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
