/** `espalier run`: an app of the user's own, run until it is told to stop, and brought back after a crash where it was. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { InspectionEvent } from 'xstate';
import { areServices } from '../application/application.js';
import { EspalierError } from '../errors.js';
import { treeSnapshots, type TreeSnapshots } from '../event-store/tree-snapshots.js';
import { deadLetters, type DeadLetter, type DeadLetters } from '../events/dead-letters.js';
import type { EventStore } from '../events/port.js';
import { sqliteEvents } from '../events/sqlite.js';
import { systemClock } from '../supervision/clock.js';
import { withoutRestarts } from '../supervision/forget-restarts.js';
import { exitReason } from '../supervision/watch.js';
import type { CommandWorld } from './command-line.js';
import { bare } from './conceal.js';
import { readCall, shownFlags } from './flags.js';
import { runUsage } from './run-usage.js';
import { takeHold } from './running/hold.js';
import { Burial } from './running/letters.js';
import { Saver } from './running/saver.js';
import { isOver, RunningTree, type Startable, startableOf } from './running/tree.js';
import { printable } from './screen/spans.js';
import { usageError } from './usage.js';

interface Kept {
  readonly trees: TreeSnapshots;
  readonly letters: DeadLetters;
  readonly everyMs: number;
}

/** Prints a fact: as JSON, or in words. */
type Tell = (fact: { readonly type: string; readonly [field: string]: unknown }) => void;

/** Runs the command. @returns the exit code */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const own = { store: text, 'snapshot-every': text, version: text, fresh: flag, letters: flag, grace: text };
  const { flags, word } = readCall(args, { ...shownFlags, ...own }, 'MODULE');
  if (flags.help === true) return world.tell(runUsage);
  const { store: file } = flags;
  const everyMs = msOf('--snapshot-every', flags['snapshot-every'], 1_000);
  const graceMs = msOf('--grace', flags.grace, 30_000);
  const tell = teller(world, flags.json === true);
  for (const name of ['snapshot-every', 'version', 'fresh', 'letters'] as const)
    if (flags[name] !== undefined && file === undefined) throw usageError(`--store FILE beside --${name}`, 'none');
  if (flags.letters === true) {
    if (word !== undefined) throw usageError('--letters without MODULE', bare(word));
    requireFile(file as string, world);
    return withStore(file as string, world, (store) => listLetters(deadLetters(store), world, flags.json === true));
  }
  if (word === undefined) throw usageError('MODULE: what exports an application', 'none');
  // Whatever the app prints, from its module's first line to its end.
  return await world.aside(async () => {
    const startable = await startableOf(word, world.directory);
    const run = (kept: Kept | null, begin: Beginning): Promise<number> =>
      world.serve(flags, (signal) => runTree({ startable, kept, begin, graceMs, tell, signal, world }));
    if (file === undefined) return run(null, { snapshot: null, why: 'no store' });
    const isOfServices = areServices(startable.actors);
    return withStore(file, world, async (store) => {
      const { fence, release } = await takeHold(store);
      try {
        const trees = treeSnapshots(store, { actors: startable.actors, version: flags.version ?? '', fence, areServices: isOfServices });
        if (flags.fresh === true) await trees.forget();
        const begin = beginningOf(await saved(trees), isOfServices);
        return await run({ trees, letters: deadLetters(store), everyMs }, begin);
      } finally {
        await release();
      }
    });
  });
}

function msOf(name: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault;
  if (!/^\d{1,9}$/u.test(text)) throw usageError(`${name}: a number of ms`, bare(text));
  return Number(text);
}

/** @throws EspalierError `events/invalid-file` */
function requireFile(file: string, world: CommandWorld): void {
  if (!existsSync(resolve(world.directory, file)))
    throw new EspalierError('events/invalid-file', { expected: 'a file that is there', got: bare(file) });
}

async function withStore(file: string, world: CommandWorld, work: (store: EventStore) => Promise<number>): Promise<number> {
  const store = await sqliteEvents({ path: resolve(world.directory, file) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The tree that was saved last; null for none. @throws EspalierError `application/changed` for one of other machines */
async function saved(trees: TreeSnapshots): Promise<unknown> {
  const found = await trees.load();
  if (found.ok) return found.snapshot;
  if (found.reason !== 'changed') throw new EspalierError('events/invalid-file', { expected: 'a store that can be read', got: found.reason });
  const expected = 'the machines of the saved tree (--fresh forgets it, and begins anew)';
  throw new EspalierError('application/changed', { expected, got: `others: ${found.changed.join(', ')}` });
}

/** What is gone on with, and why. */
interface Beginning {
  readonly snapshot: unknown;
  readonly why: string;
}

/** A new process is a new start: what was spent on restarts in the one before it is forgotten. */
function beginningOf(snapshot: unknown, isOfServices: boolean): Beginning {
  if (snapshot === null) return { snapshot, why: 'nothing was saved' };
  const why = 'what was saved last';
  if (isOfServices) return { snapshot, why };
  if (isOver(snapshot)) return { snapshot: null, why: 'afresh: the saved tree was at its end' };
  return { snapshot: withoutRestarts(snapshot), why };
}

interface Running {
  readonly startable: Startable;
  readonly kept: Kept | null;
  readonly begin: Beginning;
  readonly graceMs: number;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly world: CommandWorld;
}

/** From its start to its end. @returns the exit code */
async function runTree({ startable, kept, begin, graceMs, tell, signal, world }: Running): Promise<number> {
  const { snapshot, why } = begin;
  const burial = kept === null ? null : new Burial(kept.letters, (lost) => tell({ type: 'run.letterLost', ...lost }));
  let saver: Saver | null = null;
  const inspect = (seen: InspectionEvent): void => {
    burial?.look(seen);
    if (seen.type === '@xstate.snapshot') saver?.changed();
  };
  const environment = { ...(kept === null ? {} : { inspect }), ...(snapshot === null ? {} : { snapshot }) };
  const tree = new RunningTree(startable.start(environment));
  tree.hear(tell);
  tell({ type: 'run.started', isRestored: snapshot !== null, why, ...tree.restored(), pid: process.pid });
  if (kept !== null) {
    saver = new Saver(saving(tree, kept.trees, tell, world), kept.everyMs);
    saver.changed();
  }
  const asked = new Promise<void>((settle) => {
    if (signal.aborted) settle();
    signal.addEventListener('abort', () => settle(), { once: true });
    tree.whenOver(settle);
  });
  const ready = tree.ready().then((services) => {
    if (services !== null) tell({ type: 'run.ready', services });
  });
  // A tree that waits for nothing but actors would not keep the process alive.
  const alive = systemClock.setTimeout(() => undefined, Infinity);
  await asked;
  const askedAt = systemClock.now();
  systemClock.clearTimeout(alive);
  const isAsked = exitReason(tree.ref) === null;
  // As it was when it was told to stop: that is where it goes on.
  if (isAsked) await saver?.last();
  else saver?.close();
  const report = isAsked ? await tree.stop(graceMs) : await tree.ended();
  await Promise.all([ready, burial?.all()]);
  const failure = tree.failure(report);
  // There is nothing to go on with: it has come to its end.
  if (!isAsked && failure === null) await kept?.trees.forget();
  tell({
    type: 'run.ended',
    failure,
    // Of an application the root ends by itself, once its services are down: nobody asked it.
    tookMs: Math.round(Math.max(report.tookMs, systemClock.now() - askedAt)),
    ...(burial === null ? {} : { deadLetters: burial.buried, lostLetters: burial.lost }),
  });
  return failure === null ? 0 : 1;
}

/**
 * Saves the tree, while it is well: one that fails or ends is no place to go on from, and the last that was saved stays. What cannot be saved is told, once
 * for each cause; the tree goes on. Never rejects.
 */
function saving(tree: RunningTree, trees: TreeSnapshots, tell: Tell, world: CommandWorld): () => Promise<void> {
  let told: string | null = null;
  const fail = (why: string, fields: object = {}): void => {
    const cause = JSON.stringify([why, fields]);
    if (cause === told) return;
    told = cause;
    tell({ type: 'run.saveFailed', why, ...fields });
    world.note(`the tree could not be saved: ${why}`);
  };
  return async () => {
    if (tree.isEnding()) return;
    try {
      const outcome = await trees.save(tree);
      if (outcome.ok) {
        told = null;
        tell({ type: 'run.saved', revision: outcome.revision });
      } else if (outcome.reason === 'notJson')
        fail(outcome.values.map(({ service, path, sort }) => `${service}: ${path} is ${sort}`).join(', '), { values: outcome.values });
      else fail(outcome.reason);
    } catch (error) {
      fail(error instanceof Error ? error.message : 'it is no JSON');
    }
  };
}

function teller(world: CommandWorld, isJson: boolean): Tell {
  return (fact) => {
    const { type, ...fields } = fact;
    if (isJson) world.tell(`${JSON.stringify(fact)}\n`);
    else if (type !== 'run.saved')
      world.tell(`${printable([type, ...Object.entries(fields).map(([key, value]) => `${key}=${wordOf(value)}`)].join(' '))}\n`);
  };
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function listLetters(letters: DeadLetters, world: CommandWorld, isJson: boolean): Promise<number> {
  let after = 0;
  for (;;) {
    const page = await letters.open({ after });
    if (!page.ok) throw new EspalierError('events/invalid-file', { expected: 'a store that can be read', got: page.reason });
    for (const letter of page.letters) world.tell(isJson ? `${JSON.stringify(letter)}\n` : `${lineOf(letter)}\n`);
    if (page.next === null) return 0;
    after = page.next;
  }
}

function lineOf({ id, wallAt, to, event, reason }: DeadLetter): string {
  return printable(`${new Date(wallAt).toISOString()}  ${id}  to ${to} (${reason})  ${JSON.stringify(event)}`);
}
