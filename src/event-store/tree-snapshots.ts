/**
 * Snapshots of trees, kept in an event store: a process that comes up after a crash goes on where the last one was saved.
 *
 * With each stands what the machines looked like. A tree that is to go on in others is refused, by name: XState would restore it as far as it fits, and
 * lose the rest without a word.
 */
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { hash } from '../../machines/hash.js';
import { definitionOf } from '../charts/definition.js';
import { invalid, checkedFence, requireKeys, requireName } from '../events/event-checks.js';
import type { EventJournal, Fence, NotRead, RemoveOutcome, SaveOutcome } from '../events/port.js';
import { type NotJson, notJsonIn } from './lossless.js';
import { isPlainObject, sortOf } from '../option-checks.js';

export interface TreeSnapshotsOptions {
  /** The logics that the tree is described with: what they look like is saved with it. */
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  /** Which tree it is. Default `app`. */
  readonly name?: string;
  /** Your own word for what a chart does not show, such as the form of its context. Default empty. */
  readonly version?: string;
  /** Who may save: of two processes that run one tree, the one with the higher token. */
  readonly fence?: Fence;
  /** They are the services of an application, each of which goes on by itself: one that is new, or is no more, is no change. Default false. */
  readonly areServices?: boolean;
}

/** `notJson`: JSON would not give it back; the last tree that was saved stays. */
export type SaveTreeOutcome = SaveOutcome | { readonly ok: false; readonly reason: 'notJson'; readonly values: readonly NotJson[] };

export type RestoreOutcome =
  /** `snapshot`: for `orchestrator(…).start({ snapshot })`; null where none was saved. `savedAt`: ms since the epoch. */
  | { readonly ok: true; readonly snapshot: unknown; readonly savedAt: number | null }
  /** It is of other machines, or of another version. `saved` and `now`: what tells them apart, by actor. */
  | { readonly ok: false; readonly reason: 'changed'; readonly saved: TreeShape; readonly now: TreeShape; readonly changed: readonly string[] }
  | NotRead;

/** What a tree is made of: the version, and a number for each actor, which changes with its machine. */
export type TreeShape = Readonly<Record<string, string>>;

export interface TreeSnapshots {
  /** Saves the tree as it is now, in place of the last. @param app  an `App`, or anything whose snapshot is JSON */
  save(app: { getPersistedSnapshot(): unknown }): Promise<SaveTreeOutcome>;
  /** What was saved last, if it fits. */
  load(): Promise<RestoreOutcome>;
  forget(): Promise<RemoveOutcome>;
}

interface Saved {
  readonly shape: TreeShape;
  readonly tree: unknown;
}

const keys = ['actors', 'name', 'version', 'fence', 'areServices'];

/**
 * The snapshots of one tree. The store may be a service in that tree, or one that is opened before it.
 * @throws EspalierError `events/invalid-options`
 */
export function treeSnapshots(store: Pick<EventJournal, 'save' | 'load' | 'remove'>, options: TreeSnapshotsOptions): TreeSnapshots {
  requireKeys('the options of tree snapshots', options, keys);
  const { actors, name = 'app', version = '', fence, areServices = false } = options;
  if (!isPlainObject(actors)) throw invalid('actors', 'logics by name', sortOf(actors));
  requireName('name', name);
  if (typeof version !== 'string') throw invalid('version', 'a text', sortOf(version));
  if (typeof areServices !== 'boolean') throw invalid('areServices', 'true or false', sortOf(areServices));
  const key = `$tree/${name}`;
  const now = shapeOf(actors, version);
  const guarded = fence === undefined ? {} : { fence: checkedFence(fence) };
  return {
    save: async (app) => {
      const tree = app.getPersistedSnapshot();
      const values = notJsonIn(tree);
      if (values.length > 0) return { ok: false, reason: 'notJson', values };
      return store.save(key, { shape: now, tree } satisfies Saved, guarded);
    },
    load: async () => {
      const found = await store.load(key);
      if (!found.ok) return found;
      if (found.document === null) return { ok: true, snapshot: null, savedAt: null };
      const { shape: saved, tree } = found.document.value as unknown as Saved;
      const isIn = (shape: TreeShape, part: string): boolean => shape[part.split('/', 2).join('/')] !== undefined;
      const mayDiffer = (part: string): boolean => areServices && isIn(saved, part) !== isIn(now, part);
      const parts = [...new Set([...Object.keys(saved), ...Object.keys(now)])];
      const changed = parts.filter((part) => saved[part] !== now[part] && !mayDiffer(part)).sort();
      if (changed.length > 0) return { ok: false, reason: 'changed', saved, now, changed };
      return { ok: true, snapshot: tree, savedAt: found.document.wallAt };
    },
    forget: () => store.remove(key, guarded),
  };
}

function shapeOf(actors: Readonly<Record<string, AnyActorLogic>>, version: string): TreeShape {
  const of = (logics: Readonly<Record<string, AnyActorLogic>>, path: string, above: readonly object[]): [string, string][] =>
    Object.entries(logics).flatMap(([name, logic]): [string, string][] => {
      const own = `${path}${name}`;
      if (!isMachine(logic)) return [[own, 'logic']];
      const text = JSON.stringify(definitionOf(logic));
      const below = (logic.implementations as { actors?: Record<string, AnyActorLogic> }).actors ?? {};
      // A machine that runs itself further down is described already.
      return [[own, `machine ${hash(text).toString(16)}`], ...(above.includes(logic) ? [] : of(below, `${own}/`, [...above, logic]))];
    });
  return { version, ...Object.fromEntries(of(actors, 'actors/', [])) };
}

function isMachine(logic: AnyActorLogic): logic is AnyStateMachine {
  return typeof (logic as { getStateNodeById?: unknown }).getStateNodeById === 'function';
}
