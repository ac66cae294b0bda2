/** docs/telemetry.md, made of the table of events and of the metrics. */
import { createMetrics } from '../telemetry/metrics.js';
import { promName } from '../telemetry/prometheus.js';
import { eventGroups } from './event-table.js';
import { ownMetrics } from './own-metrics.js';

/** The page, as it is to be. */
export function telemetryPage(): string {
  return [
    '# Telemetry: facts and metrics',
    '',
    'Made by `npm run telemetry:docs` from the tables in `src/instrumentation`; how to use it is in [the guide](guides/telemetry.md).',
    '',
    '## Facts',
    '',
    'What actors emit, by who emits it. *Level*: at which it is logged. Fields in italics hold what was said, or what a tool was given or gave: they are logged',
    'only with `content: true`.',
    '',
    ...eventGroups.flatMap(({ from, rows, title }) => [
      `### ${title}`,
      '',
      `From ${from}.`,
      '',
      '| fact | what has happened | level | fields |',
      '|---|---|---|---|',
      ...Object.entries(rows).map(([type, { about, content = [], fields, level }]) => {
        const words = Object.entries(fields).map(([name, text]) => `${content.includes(name) ? `*${name}*` : `\`${name}\``} ${text}`);
        return `| \`${type}\` | ${cell(about)} | ${level} | ${cell(words.join('; '))} |`;
      }),
      '',
    ]),
    '## Metrics',
    '',
    'Those of an instrumented app. Of each instrument there are at most `maxSeries` (500) series, and one more, `__other__`, for what is beyond.',
    '',
    '| metric | for Prometheus | kind | unit | labels | what it says |',
    '|---|---|---|---|---|---|',
    ...metricRows(),
    '',
  ].join('\n');
}

function metricRows(): string[] {
  const metrics = createMetrics();
  ownMetrics(metrics);
  return metrics.read().map((metric) => {
    const { about, kind, labels, name, unit } = metric;
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | \`${promName(metric)}\` | ${kind} | ${unit === '' ? '' : `\`${unit}\``} | ${names} | ${cell(about)} |`;
  });
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
