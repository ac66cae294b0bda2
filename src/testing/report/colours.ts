/** The colours of the report: those of every chart, and those of its marks. Nothing is told by colour alone: words, widths and dashes say the same. */
import { chartDay, chartNight, type ChartPalette } from '../../charts/colours.js';

/** `fills` lie beneath text, `strokes` are lines, `words` are text; of greens there are four, from one hit to a hundred. */
export interface Palette extends ChartPalette {
  readonly fills: { readonly open: string; readonly waived: string; readonly covered: readonly [string, string, string, string] };
  readonly strokes: { readonly open: string; readonly waived: string; readonly covered: readonly [string, string, string, string] };
  readonly words: { readonly open: string; readonly waived: string; readonly covered: string };
}

export const day: Palette = {
  ...chartDay,
  fills: { open: '#ffd7d3', waived: '#e4e7eb', covered: ['#e6f5e8', '#c9ebcf', '#a3dbad', '#7cc98b'] },
  strokes: { open: '#c8261c', waived: '#7b8591', covered: ['#58a868', '#3f9352', '#2a7d3e', '#17662b'] },
  words: { open: '#b3170e', waived: '#59636e', covered: '#17662b' },
};

export const night: Palette = {
  ...chartNight,
  fills: { open: '#6b1d1a', waived: '#353d47', covered: ['#16301c', '#1a4225', '#1e552e', '#236a38'] },
  strokes: { open: '#ff7b70', waived: '#8b96a3', covered: ['#4c9a5e', '#5cb370', '#74cb87', '#93e3a4'] },
  words: { open: '#ff9a91', waived: '#9fabb8', covered: '#8fdc9f' },
};
