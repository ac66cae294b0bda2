/** The colours of the report, by day and by night. Nothing is told by colour alone: words, widths and dashes say the same. */

/** Colours as `#rrggbb`. `fills` lie beneath text, `strokes` are lines, `words` are text; of greens there are four, from one hit to a hundred. */
export interface Palette {
  readonly paper: string;
  readonly panel: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly fills: { readonly open: string; readonly waived: string; readonly covered: readonly [string, string, string, string] };
  readonly strokes: { readonly open: string; readonly waived: string; readonly covered: readonly [string, string, string, string] };
  readonly words: { readonly open: string; readonly waived: string; readonly covered: string };
}

export const day: Palette = {
  paper: '#ffffff',
  panel: '#fbfcfd',
  ink: '#1b2128',
  faint: '#59636e',
  line: '#8a95a1',
  fills: { open: '#ffd7d3', waived: '#e4e7eb', covered: ['#e6f5e8', '#c9ebcf', '#a3dbad', '#7cc98b'] },
  strokes: { open: '#c8261c', waived: '#7b8591', covered: ['#58a868', '#3f9352', '#2a7d3e', '#17662b'] },
  words: { open: '#b3170e', waived: '#59636e', covered: '#17662b' },
};

export const night: Palette = {
  paper: '#11161c',
  panel: '#171d25',
  ink: '#e8edf2',
  faint: '#9fabb8',
  line: '#66717e',
  fills: { open: '#6b1d1a', waived: '#353d47', covered: ['#16301c', '#1a4225', '#1e552e', '#236a38'] },
  strokes: { open: '#ff7b70', waived: '#8b96a3', covered: ['#4c9a5e', '#5cb370', '#74cb87', '#93e3a4'] },
  words: { open: '#ff9a91', waived: '#9fabb8', covered: '#8fdc9f' },
};
