/** Small pictures, drawn with the colour of the text around them. Each stands beside words or in a button that has a name. */
import { drawn } from './element.js';

const paths = {
  live: 'M8 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z',
  pause: 'M5 3.5h2v9H5zM9 3.5h2v9H9z',
  back: 'M10.5 3.5 6 8l4.5 4.5',
  forward: 'M5.5 3.5 10 8l-4.5 4.5',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM10.5 10.5 14 14',
  sun: 'M8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  auto: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11zM8 2.5v11',
  open: 'M2.5 12.5v-9h4l1.5 2h5.5v7z',
  save: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  keys: 'M6 6.2a2 2 0 1 1 2.6 1.9c-.5.2-.6.6-.6 1.2M8 11.6v.4',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  follow: 'M8 4.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7zM8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3',
  fold: 'M6 4l4 4-4 4',
} as const;

export type IconName = keyof typeof paths;

const filled: ReadonlySet<IconName> = new Set(['live', 'pause']);

export function icon(name: IconName): SVGSVGElement {
  const look = filled.has(name) ? { fill: 'currentColor' } : { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5 };
  const path = drawn('path', { d: paths[name], ...look, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
  return drawn('svg', { class: 'icon', width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, path);
}
