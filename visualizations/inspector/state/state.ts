/** What the page knows about itself. What it knows about the app is in the timeline; here is only where one looks. */

export const pages = ['tree', 'actor', 'sequence', 'recording'] as const;
export type Page = (typeof pages)[number];

/** How the page is connected, and since when. Times are wall times, ms. */
export type Connection =
  /** Opened as a file of its own, with nothing in it yet. */
  | { readonly kind: 'none' }
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'live'; readonly control: boolean; readonly replay?: boolean; readonly app: string }
  | { readonly kind: 'lost'; readonly since: number; readonly retryAt: number; readonly attempt: number; readonly why: string }
  /** It will not be tried again. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'file'; readonly name: string; readonly cut: string | null };

/** Which actors the tree shows. */
export type Filter = 'all' | 'running' | 'troubled' | 'ended';
export const filters: readonly Filter[] = ['all', 'running', 'troubled', 'ended'];

const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The theme after one, when somebody goes through them. */
export function nextTheme(theme: Theme): Theme {
  return themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
}

/** A sentence for a while: what went wrong, or what came of an order. */
export interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

export interface State {
  readonly connection: Connection;
  /** The page that is seen where there is room for one; where there is room for the tree beside it, never `tree`. */
  readonly page: Page;
  /** The line whose moment is shown, by its index; null: the newest. */
  readonly position: number | null;
  readonly selected: string | null;
  /** A line of the sequence, by its index. */
  readonly message: number | null;
  readonly query: string;
  readonly filter: Filter;
  /** Whether the selection goes to whoever acts. */
  readonly follow: boolean;
  /** Branches that are closed though they would be open, and open though they would be closed. */
  readonly toggled: ReadonlySet<string>;
  /** Whether pools have rows of their own. */
  readonly showsPools: boolean;
  readonly theme: Theme;
  readonly showsKeys: boolean;
  readonly notices: readonly Notice[];
  /** The number of the latest notice, shown or not: none is given twice. */
  readonly lastNotice: number;
}

export const initialState: State = {
  connection: { kind: 'none' },
  page: 'tree',
  position: null,
  selected: null,
  message: null,
  query: '',
  filter: 'all',
  follow: false,
  toggled: new Set(),
  showsPools: false,
  theme: 'auto',
  showsKeys: false,
  notices: [],
  lastNotice: 0,
};
