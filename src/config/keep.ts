/**
 * What a configuration keeps, beside its chart: values, versions, who waits and who has subscribed.
 *
 * It belongs to the logic, not to one actor of it: when the actor crashes and its supervisor starts another, that one finds all of it here and goes on.
 * Secrets are here and nowhere else.
 */
import type { AnyActorRef } from 'xstate';
import type { CheckFault, ConfigEmitted, ConfigEvent, Issue, Kept, Override } from '../../machines/config/config-events.js';
import { isPlainObject, jsonOf } from '../option-checks.js';
import { type Clock, systemClock } from '../supervision/clock.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { emitFrom, hasStopped } from '../supervision/xstate-internals.js';
import { type StandardIssue, stepsOf } from '../wire/standard-schema.js';
import type { ConfigPlan } from './options.js';
import { copied, differences, frozen, isData, type Path, textOf, type Tree, valueAt } from './paths.js';
import { type ChangeOutcome, refused, Requests, type Wish } from './requests.js';
import { Subscribers } from './subscribers.js';
import { stillLost, type Trial, trial, trialOf, type Version } from './trial.js';

type Passed = Extract<ConfigEvent, { type: 'check.passed' }>;

/** More changed paths than this are told as their first names. */
const mostPaths = 100;

export class Keep {
  readonly plan: ConfigPlan;
  readonly requests: Requests;
  readonly subscribers: Subscribers;
  /** The actor that serves it, or has served it last. */
  owner: AnyActorRef | undefined;
  isClosed = false;
  readonly #order: readonly string[];
  #clock: Clock = systemClock;
  #versions: Version[] = [];
  readonly #texts = new WeakMap<Version, ReadonlySet<string>>();
  #count = 0;
  /** What each source has said last, whether it was good or not. */
  readonly #read = new Map<string, Tree>();
  /** Of these, what no check has passed yet. */
  readonly #fresh = new Map<string, Tree>();
  #isDue = false;
  /** Of a snapshot: updates to begin with. */
  #resumed: readonly Override[] = [];
  #lost: readonly string[] = [];
  readonly #awaiting = new Set<(version: number | null) => void>();

  constructor(plan: ConfigPlan) {
    this.plan = plan;
    this.#order = plan.sources.map(({ name }) => name);
    this.requests = new Requests(plan.maxPending, systemClock);
    this.subscribers = new Subscribers(plan.maxSubscribers, (subscriber) => this.emit({ type: 'config.subscriberForgotten', subscriber }));
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** The last good one; undefined while there is none. */
  get current(): Version | undefined {
    return this.#versions.at(-1);
  }

  get versions(): readonly Version[] {
    return this.#versions;
  }

  /** Paths of secrets that were updated before a snapshot, and have not been since. */
  get lost(): readonly string[] {
    return this.#lost;
  }

  get isServed(): boolean {
    return this.owner !== undefined && exitReason(this.owner) === null;
  }

  /** May an actor take it on? */
  get isFree(): boolean {
    return !this.isClosed && !this.isServed;
  }

  /** From now on this actor serves it, on its clock. */
  adopt(owner: AnyActorRef, clock: Clock): void {
    this.#isDue = true;
    if (this.owner === owner) return;
    this.owner = owner;
    this.#clock = clock;
    this.requests.move(clock);
    // Its own good end is its last word; whatever else ends it, another may come.
    onExit(owner, (reason) => {
      if (reason === 'normal' && this.owner === owner) this.close();
    });
  }

  close(): void {
    this.isClosed = true;
    this.requests.close();
    this.subscribers.clear();
    this.#tellReady(null);
  }

  emit(fact: ConfigEmitted): void {
    if (this.owner !== undefined && !hasStopped(this.owner)) emitFrom(this.owner, fact);
  }

  /** What an actor that begins to serve it is to know. */
  opening(): Extract<ConfigEvent, { type: 'sources.opened' }> {
    const version = this.current?.version ?? 0;
    return { type: 'sources.opened', version, requests: this.requests.tickets, kept: this.#kept(), lost: this.#lost };
  }

  /** What a snapshot holds; nothing happens where more is known already. */
  resume(version: number, { overrides, withheld }: Kept): void {
    if (this.current !== undefined || this.#count >= version) return;
    this.#count = version;
    this.#resumed = overrides;
    this.#lost = withheld;
  }

  /** A source has said this. @returns null, or what is wrong with it in a word */
  note(name: string, said: unknown): string | null {
    if (!isPlainObject(said)) return 'notAnObject';
    const copy = copied(said);
    if (copy === null) return 'forbiddenName';
    const layer = copy.value as Tree;
    const before = this.#read.get(name);
    if (before !== undefined && differences(before, layer).length === 0) return null;
    this.#read.set(name, layer);
    this.#fresh.set(name, layer);
    this.#isDue = true;
    return null;
  }

  /** Has every source been read at some time? */
  get isComplete(): boolean {
    return this.#order.every((name) => this.#read.has(name));
  }

  /** Is there anything that no check has looked at? @returns once */
  takeNews(): boolean {
    const isNew = this.#isDue && this.#fresh.size > 0;
    this.#isDue = false;
    return isNew;
  }

  /** Asks for a change. */
  request(wish: Wish, expected: number | null, waitMs: number): Promise<ChangeOutcome> {
    if (this.isClosed) return Promise.resolve(refused('closed'));
    if (this.requests.isFull) return Promise.resolve(refused('full'));
    return new Promise((resolve) => {
      const ticket = this.requests.add(wish, expected, waitMs, resolve);
      if (this.isServed) this.owner?.send({ type: 'config.request', ticket } satisfies ConfigEvent);
    });
  }

  /** Calls once there is a version; with null when it is closed before. @returns what takes it back */
  whenReady(heard: (version: number | null) => void): () => void {
    this.#awaiting.add(heard);
    return () => this.#awaiting.delete(heard);
  }

  #tellReady(version: number | null): void {
    const all = [...this.#awaiting];
    this.#awaiting.clear();
    for (const heard of all) heard(version);
  }

  /** The candidate of a ticket, or of what the sources say; undefined where nobody could try one now. */
  prepare(ticket: number | null): Trial | CheckFault | undefined {
    if (ticket === null) {
      if (!this.isComplete) return undefined;
      const layers = new Map([...(this.current?.layers ?? []), ...this.#fresh]);
      const because = this.current === undefined ? 'loaded' : 'source';
      return this.#bounded(trial(because, layers, this.current?.overrides ?? this.#resumed, this.#order));
    }
    if (this.current === undefined) return undefined;
    const request = this.requests.find(ticket);
    if (request === undefined) return 'gone';
    if (request.expected !== null && request.expected !== this.current.version) return 'conflict';
    return this.#bounded(trialOf(request.wish, this.#versions, this.#order));
  }

  #bounded(made: Trial | CheckFault): Trial | CheckFault {
    if (typeof made === 'string') return made;
    const size = new TextEncoder().encode(jsonOf(made.input) ?? '').length;
    return size > this.plan.maxBytes ? 'tooLarge' : made;
  }

  /** What a schema says of a candidate, without secrets. */
  issuesOf(said: readonly StandardIssue[], made: Trial): readonly Issue[] {
    const texts = new Set([...this.plan.secrets.textsIn([made.input]), ...this.secretTexts()]);
    return this.plan.secrets.issues(
      said.map((issue) => ({ path: stepsOf(issue), message: issue.message })),
      texts,
    );
  }

  /** A candidate was refused: who waits for it hears. */
  refuse(ticket: number | null, fault: CheckFault, issues: readonly Issue[]): void {
    if (ticket !== null && fault !== 'gone') this.requests.find(ticket)?.settle(refused(fault, issues));
    // Not its word, but the schema's own fault: the next reading has it looked at again.
    if (ticket === null && (fault === 'timeout' || fault === 'schemaFailed')) this.#isDue = true;
  }

  /** Takes a candidate, tells who waits and who has subscribed. @returns null where nobody waits for it any more */
  commit(ticket: number | null, made: Trial, value: unknown): Passed | null {
    const request = ticket === null ? undefined : this.requests.find(ticket);
    if (ticket !== null && request === undefined) return null;
    const { current } = this;
    const paths = current === undefined ? [] : changedPaths(current, made.input, value);
    const isChanged = current === undefined || paths.length > 0;
    const { because, to, layers, overrides, input } = made;
    const told = paths.map(textOf);
    if (isChanged) {
      const next: Version = { version: ++this.#count, at: this.#clock.now(), because, paths: told, layers, overrides, input, value: frozen(value) };
      this.#versions = [...this.#versions, next].slice(-this.plan.maxVersions);
    } else this.#versions = [...this.#versions.slice(0, -1), { ...current, layers, overrides, input }];
    if (ticket === null) this.#fresh.clear();
    this.#resumed = [];
    this.#lost = stillLost(this.#lost, made);
    const { version } = this.current as Version;
    const passed: Passed = { type: 'check.passed', ticket, version, paths: told, because, to, kept: this.#kept(), lost: this.#lost };
    request?.settle({ ok: true, version, isChanged });
    this.#tellReady(version);
    if (isChanged && current !== undefined) this.subscribers.tell(version, paths, because);
    return passed;
  }

  /** Texts that nobody is shown now: secrets of the present, and of every version that it can be rolled back to, for one that was replaced may stand elsewhere still. */
  secretTexts(): ReadonlySet<string> {
    const texts = new Set(this.plan.secrets.textsIn([...this.#read.values()]));
    for (const version of this.#versions) for (const text of this.#textsOf(version)) texts.add(text);
    return texts;
  }

  #textsOf(version: Version): ReadonlySet<string> {
    let texts = this.#texts.get(version);
    if (texts === undefined) {
      texts = this.plan.secrets.textsIn([version.input, version.value, ...version.layers.values()]);
      this.#texts.set(version, texts);
    }
    return texts;
  }

  #kept(): Kept {
    const { overrides, withheld } = this.plan.secrets.kept(this.current?.overrides ?? this.#resumed, this.secretTexts());
    return { overrides, withheld: [...new Set([...withheld, ...this.#lost])] };
  }
}

/**
 * Where a candidate differs from what is served: as the schema has made it. Where that is no data, such as a URL or a Map, or nothing, what it was made of
 * tells.
 */
function changedPaths({ input: before, value: served }: Version, input: Tree, value: unknown): readonly Path[] {
  const unseen = differences(before, input).filter((path) => !isData(valueAt(served, path)) || !isData(valueAt(value, path)));
  const all = [...unseen, ...differences(served, value)];
  const byText = new Map(all.map((path) => [textOf(path), path]));
  if (byText.size <= mostPaths) return [...byText.values()];
  return [...new Map(all.map((path) => [path[0] ?? '', path.slice(0, 1)])).values()];
}
