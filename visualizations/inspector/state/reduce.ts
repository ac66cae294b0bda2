/** Every change of what one looks at: pure, so that it can be tested without a browser. */
import type { Connection, Filter, Notice, Page, State, Theme } from './state.js';
import { initialState } from './state.js';

export type Action =
  | { readonly type: 'connection.changed'; readonly connection: Connection }
  /** Other lines than before: a file, or a new connection. */
  | { readonly type: 'recording.replaced' }
  /** Every line has another index: so many of the oldest were let go, or, below 0, so many have come before them. */
  | { readonly type: 'lines.dropped'; readonly count: number }
  | { readonly type: 'page.chosen'; readonly page: Page }
  | { readonly type: 'actor.chosen'; readonly actor: string | null; readonly show?: boolean }
  | { readonly type: 'message.chosen'; readonly index: number | null }
  /** `last`: the index of the newest line, -1 where there is none. */
  | { readonly type: 'time.moved'; readonly to: number | null; readonly last: number }
  | { readonly type: 'time.stepped'; readonly by: number; readonly last: number }
  | { readonly type: 'time.paused'; readonly last: number }
  | { readonly type: 'query.changed'; readonly query: string }
  | { readonly type: 'filter.chosen'; readonly filter: Filter }
  | { readonly type: 'follow.toggled' }
  | { readonly type: 'pools.toggled' }
  | { readonly type: 'branch.toggled'; readonly actor: string }
  | { readonly type: 'theme.chosen'; readonly theme: Theme }
  | { readonly type: 'keys.toggled'; readonly shown?: boolean }
  | { readonly type: 'notice.shown'; readonly tone: Notice['tone']; readonly text: string }
  | { readonly type: 'notice.closed'; readonly id: number };

/** Most notices at a time; the oldest goes. */
const mostNotices = 3;

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'connection.changed':
      return { ...state, connection: action.connection };
    case 'recording.replaced':
      return {
        ...initialState,
        connection: state.connection,
        theme: state.theme,
        page: state.page,
        showsPools: state.showsPools,
        lastNotice: state.lastNotice,
      };
    case 'lines.dropped':
      return { ...state, position: shifted(state.position, action.count), message: kept(state.message, action.count) };
    case 'page.chosen':
      return { ...state, page: action.page };
    case 'actor.chosen':
      return { ...state, selected: action.actor, page: action.show === true ? 'actor' : state.page };
    case 'message.chosen':
      return { ...state, message: action.index };
    case 'time.moved':
      return { ...state, position: placed(action.to, action.last) };
    case 'time.stepped':
      return { ...state, position: stepped(state.position, action.by, action.last) };
    case 'time.paused':
      return { ...state, position: state.position === null ? held(action.last) : null };
    case 'query.changed':
      return { ...state, query: action.query };
    case 'filter.chosen':
      return { ...state, filter: action.filter };
    case 'follow.toggled':
      return { ...state, follow: !state.follow };
    case 'pools.toggled':
      return { ...state, showsPools: !state.showsPools };
    case 'branch.toggled':
      return { ...state, toggled: toggled(state.toggled, action.actor) };
    case 'theme.chosen':
      return { ...state, theme: action.theme };
    case 'keys.toggled':
      return { ...state, showsKeys: action.shown ?? !state.showsKeys };
    case 'notice.shown':
      return withNotice(state, action);
    case 'notice.closed':
      return { ...state, notices: state.notices.filter(({ id }) => id !== action.id) };
  }
}

/** A line that was chosen stays chosen, also where it is the newest: only `live` goes on. */
function placed(to: number | null, last: number): number | null {
  return to === null || last < 0 ? null : Math.min(Math.max(0, Math.round(to)), last);
}

/** A step beyond the newest line goes on living with it. */
function stepped(position: number | null, by: number, last: number): number | null {
  if (position === null) return by < 0 ? placed(last + by, last) : null;
  return position + by > last ? null : placed(position + by, last);
}

function held(last: number): number | null {
  return last < 0 ? null : last;
}

function shifted(index: number | null, by: number): number | null {
  return index === null ? null : Math.max(0, index - by);
}

/** A line that was let go is chosen no longer. */
function kept(index: number | null, dropped: number): number | null {
  return index === null || index < dropped ? null : index - dropped;
}

function toggled(set: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const after = new Set(set);
  if (!after.delete(one)) after.add(one);
  return after;
}

function withNotice(state: State, { tone, text }: Pick<Notice, 'tone' | 'text'>): State {
  const id = state.lastNotice + 1;
  return { ...state, lastNotice: id, notices: [...state.notices, { id, tone, text }].slice(-mostNotices) };
}
