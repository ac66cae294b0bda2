/** Paths for actors that are known by session ids, as src/recording/names.ts makes them of actors: `root/pool/worker#3`. */

/** What a line says of an actor's place. */
export interface Place {
  readonly actor: string;
  readonly parent: string | null;
  readonly run: number;
  readonly replaces: string | null;
}

/** Characters of a path. */
const longest = 4_096;
/** Ids below a parent that are told apart; beyond it the oldest begin anew. */
const mostIds = 50_000;

export class StatelyNames {
  readonly #paths = new Map<string, string>();
  /** By parent and id: how many there were, and the last of them. */
  readonly #runs = new Map<string, { count: number; last: string }>();

  /** Null where the path would be too long. */
  name(session: string, id: string, parentSession: string | null): Place | null {
    const parent = parentSession === null ? null : (this.#paths.get(parentSession) ?? null);
    const base = id.replaceAll('%', '%25').replaceAll('/', '%2F').replace(/^~/, '%7E') || 'root';
    const key = `${parent ?? ''}/${base}`;
    const before = this.#runs.get(key);
    const run = (before?.count ?? 0) + 1;
    const isNameless = id === session && parent !== null;
    const nameless = isNameless ? this.#runs.get(`${parent}/~`) : undefined;
    const segment = isNameless ? `~${(nameless?.count ?? 0) + 1}` : run === 1 && !/#\d+$/.test(base) ? base : `${base}#${run}`;
    const actor = parent === null ? segment : `${parent}/${segment}`;
    if (actor.length > longest) return null;
    const [oldest] = this.#runs.keys();
    if (this.#runs.size >= mostIds && oldest !== undefined) this.#runs.delete(oldest);
    this.#runs.set(isNameless ? `${parent}/~` : key, { count: isNameless ? (nameless?.count ?? 0) + 1 : run, last: actor });
    this.#paths.set(session, actor);
    return { actor, parent, run: isNameless ? 1 : run, replaces: isNameless ? null : (before?.last ?? null) };
  }

  /** A session id becomes `x:` and the actor's name; so does an event type of XState's own that ends with one. */
  textOf(text: string): string {
    const start = text.startsWith('x:') ? 0 : text.startsWith('xstate.') ? text.lastIndexOf('.') + 1 : -1;
    const path = start < 0 ? undefined : this.#paths.get(text.slice(start));
    return path === undefined ? text : `${text.slice(0, start)}x:${path}`;
  }

  forget(session: string): void {
    this.#paths.delete(session);
  }
}
