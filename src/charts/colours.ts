/** The colours of a chart, by day and by night, as `#rrggbb`. Nothing is told by colour alone: words, widths and dashes say the same. */

export interface ChartPalette {
  readonly paper: string;
  readonly panel: string;
  /** Behind names. */
  readonly band: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  /** What is active, and the way that was taken last. */
  readonly accent: string;
  /** Behind the names of active states. */
  readonly glow: string;
}

export const chartDay: ChartPalette = {
  paper: '#ffffff',
  panel: '#fbfcfd',
  band: '#eef1f4',
  ink: '#1b2128',
  faint: '#59636e',
  line: '#8a95a1',
  accent: '#0b62d6',
  glow: '#d5e5fb',
};

export const chartNight: ChartPalette = {
  paper: '#11161c',
  panel: '#171d25',
  band: '#222a34',
  ink: '#e8edf2',
  faint: '#9fabb8',
  line: '#66717e',
  accent: '#6cb0ff',
  glow: '#173a63',
};

/** A declaration that a page may overrule by `--chart-<name>`; what knows no custom properties takes the colour that is written out. */
export function colour(property: 'fill' | 'stroke', name: keyof ChartPalette, palette: ChartPalette): string {
  return `${property}:${palette[name]};${property}:var(--chart-${name},${palette[name]})`;
}
