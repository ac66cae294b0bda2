/** Turns a model into what can be executed: a copy of its machine with every actor in the model's hand, and a list of named cases. */
import type { AnyEventObject, AnyStateMachine, EventFrom } from 'xstate';
import { EspalierError } from '../../errors.js';
import { Coverage } from './coverage.js';
import type { Endings } from './coverage-items.js';
import { type Desk, type Fake, fakeLogic } from './fake.js';
import { misfits } from './fit.js';
import type { ActorModel, Claim, DelayCase, DoneCase, ErrorCase, EventCase, Model, Terms, Waivers } from './model.js';
import type { Run } from './run.js';

/** One concrete thing that can happen. */
export interface Case<M extends AnyStateMachine> {
  /** Unique in its model; paths are told by these names. */
  readonly name: string;
  readonly weight: number;
  /** Whether the model gave that name; else it is made of an event type or a `src`, and numbered where it is not the only one. */
  readonly isNamed: boolean;
  /** Whether it may stay without a turn: it stands for what other cases do too. */
  readonly optional: boolean;
  /** Whether it is the model's own doing, of which the machine need not hear: to note something is to do something. */
  readonly isFree: boolean;
  when(run: Run<M>): boolean;
  run(run: Run<M>): void;
  readonly owes: Claim<M> | undefined;
}

/** A model, ready to be executed. */
export interface Compiled<M extends AnyStateMachine> {
  readonly model: Model<M>;
  /** A copy of its own, instrumented for the coverage. */
  readonly machine: M;
  readonly coverage: Coverage;
  readonly cases: readonly Case<M>[];
  /** The cases that can happen now, in the model's order, and then those of actors between the oldest and the newest of their `src`. */
  offered(run: Run<M>): readonly Case<M>[];
  caseNamed(name: string): Case<M> | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What stands in the place of the model's machine. */
export interface Subject<M extends AnyStateMachine> {
  /** The machine to execute: the model's own, provided, changed or broken. Default the model's. */
  readonly machine?: M;
  readonly waivers?: Waivers;
}

/** The step of a model without `delays`. */
export const nextTimer = 'the next timer fires';

/** Microsteps of one event beyond which it is an endless loop, and a crash instead of a suite that hangs. */
const longestMacrostep = 1_000;

/** @throws EspalierError `testing/invalid-model` when the model does not fit its machine */
export function compile<M extends AnyStateMachine>(model: Model<M>, { machine = model.machine, waivers = {} }: Subject<M> = {}): Compiled<M> {
  const faults = misfits(model, machine);
  const cases = faults.length === 0 ? casesOf(model) : [];
  const caseByName = new Map(cases.map((one) => [one.name, one]));
  const between = new Between(model?.outcomes ?? {}, (one) => caseByName.set(one.name, one));
  const caseNamed = (name: string): Case<M> | undefined => {
    if (!caseByName.has(name)) between.make(name);
    return caseByName.get(name);
  };
  if (faults.length === 0) {
    if (cases.length === 0) faults.push('nothing can happen: give it events, outcomes, delays or cases');
    const twice = cases.filter(({ name, isNamed }, index) => isNamed && cases.findIndex((other) => other.name === name) !== index);
    for (const { name } of twice) faults.push(`two cases have the name '${name}'`);
    for (const [name, [, ...names]] of Object.entries(model.corners ?? {})) {
      const unknown = names.find((one) => caseNamed(one) === undefined);
      if (unknown !== undefined) faults.push(`corner '${name}' names the case '${unknown}'; there are: ${[...caseByName.keys()].join(', ')}`);
    }
  }
  if (faults.length > 0) throw refusal(model, faults);
  const desk: Desk = { invocation: undefined };
  const actors = Object.fromEntries(Object.entries(model.outcomes ?? {}).map(([src, options]) => [src, fakeLogic(src, options, desk)]));
  const copy = machine.provide({ actors } as never) as M;
  copy.options.maxIterations = longestMacrostep;
  const coverage = new Coverage(copy, { endings: endingsOf(model), waivers: { ...model.waivers, ...waivers } });
  const names = coverage.items.map(({ id }) => id);
  const twin = names.find((id, index) => names.indexOf(id) !== index);
  if (twin !== undefined) throw refusal(model, [`two things of the machine are called '${twin}': give the invocations of a state ids of their own`]);
  coverage.instrument(desk);
  const offered = (run: Run<M>): readonly Case<M>[] => [...cases, ...between.of(run)].filter((one) => one.when(run));
  return { model, machine: copy, coverage, cases, offered, caseNamed, inputs: model.inputs ?? { start: undefined } };
}

function refusal(model: { readonly machine?: { readonly id?: string } }, faults: readonly string[]): EspalierError {
  const id = model.machine?.id ?? 'a machine';
  return new EspalierError('testing/invalid-model', {
    expected: `a model that fits '${id}'; to be mended first:\n  - ${faults.join('\n  - ')}\n `,
    got: `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`,
  });
}

function endingsOf<M extends AnyStateMachine>({ outcomes = {} }: Model<M>): Endings {
  return Object.fromEntries(
    Object.entries(outcomes).map(([src, { done = [], error = [] }]) => [
      src,
      { done: Object.keys(done).length > 0, error: Object.keys(error).length > 0 },
    ]),
  );
}

function casesOf<M extends AnyStateMachine>(model: Model<M>): readonly Case<M>[] {
  const { events = {}, outcomes = {}, delays, cases = {} } = model;
  const named = [
    ...eventCases<M>(events, '', (run, event) => run.send(event)),
    ...Object.entries(outcomes).flatMap(([src, actor]) => actorCases(src, actor)),
    ...delayCases<M>(delays),
    ...Object.entries(cases).map(([name, move]) => ({ ...make<M>(name, move, (run) => move.run(run)), isFree: true })),
  ];
  return named.map((one, index) => ({ ...one, name: numbered(named, one, index) }));
}

/** Cases without a name are told apart by a number: `ask`, `ask #2`. */
function numbered<M extends AnyStateMachine>(all: readonly Case<M>[], { name, isNamed }: Case<M>, index: number): string {
  if (isNamed) return name;
  const earlier = all.slice(0, index).filter((other) => other.name === name).length;
  return earlier === 0 ? name : `${name} #${earlier + 1}`;
}

function make<M extends AnyStateMachine>(
  name: string,
  { when, owes, weight = 1 }: Terms<M>,
  run: (run: Run<M>) => void,
  isPossible: (run: Run<M>) => boolean = () => true,
): Case<M> {
  return {
    name,
    weight,
    isNamed: true,
    optional: false,
    isFree: false,
    when: (on) => isPossible(on) && (when?.(on) ?? true),
    run,
    owes: owes === undefined ? undefined : (on) => owes(on),
  };
}

/** The cases of an `events` or `reports` table. */
function eventCases<M extends AnyStateMachine>(
  events: object,
  prefix: string,
  send: (run: Run<M>, event: EventFrom<M>) => void,
  isPossible?: (run: Run<M>) => boolean,
): readonly Case<M>[] {
  return Object.entries(events as Record<string, unknown>).flatMap(([type, given]) =>
    readEvents<M>(given).map(([name, one]) => {
      const sendIt = (run: Run<M>): void => {
        const payload: unknown = typeof one.payload === 'function' ? (one.payload as (run: Run<M>) => unknown)(run) : one.payload;
        send(run, { type, ...(payload as object | undefined) } as AnyEventObject as EventFrom<M>);
      };
      const made = make<M>(name ?? prefix + type, one, (run) => (one.run === undefined ? sendIt(run) : one.run(run)), isPossible);
      return { ...made, isNamed: name !== undefined };
    }),
  );
}

function readEvents<M extends AnyStateMachine>(given: unknown): readonly (readonly [name: string | undefined, EventCase<M>])[] {
  if (given === true) return [[undefined, {}]];
  if (Array.isArray(given)) return given.map((payload: object) => [undefined, { payload }]);
  return Object.entries(given as Record<string, EventCase<M>>);
}

/** What an actor of that `src` may do by its end or by its word. */
type Speeches<M extends AnyStateMachine> = (pick: Pick<M>, isPossible: (run: Run<M>) => boolean) => readonly Case<M>[];

function speechesOf<M extends AnyStateMachine>(src: string, { done = [], error = [], reports = {} }: ActorModel<M>): Speeches<M> {
  const isNamed = (way: object): boolean => !Array.isArray(way);
  const dones: [string, DoneCase<M>][] = Array.isArray(done)
    ? done.map((output: unknown) => [`${src} is done`, { output }])
    : Object.entries(done as Readonly<Record<string, DoneCase<M>>>);
  const errors: [string, ErrorCase<M>][] = Array.isArray(error)
    ? error.map((one: unknown) => [`${src} fails`, { error: one }])
    : Object.entries(error as Readonly<Record<string, ErrorCase<M>>>);
  return (pick, isPossible) => [
    ...dones.map(([name, one]) => ({
      ...make<M>(name, one, (run) => run.resolve(pick(run), one.output), isPossible),
      isNamed: isNamed(done),
    })),
    ...errors.map(([name, one]) => ({
      ...make<M>(name, one, (run) => run.reject(pick(run), one.error), isPossible),
      isNamed: isNamed(error),
    })),
    ...eventCases<M>(reports, `${src}: `, (run, event) => run.report(pick(run), event), isPossible),
  ];
}

/** The cases of one of several actors of a `src`, who stands at that place among them. */
function speechesAt<M extends AnyStateMachine>(place: string, speeches: Speeches<M>, pick: Pick<M>, isPossible: (run: Run<M>) => boolean) {
  return speeches(pick, isPossible).map((one) => ({ ...one, name: `${one.name} (${place})`, isNamed: false, optional: true }));
}

function actorCases<M extends AnyStateMachine>(src: string, actor: ActorModel<M>): readonly Case<M>[] {
  const speeches = speechesOf(src, actor);
  const runs = (run: Run<M>): boolean => run.of(src).length > 0;
  return [
    ...speeches((run) => run.of(src)[0] as Fake, runs),
    ...speechesAt(
      'the newest',
      speeches,
      (run) => run.of(src).at(-1) as Fake,
      (run) => run.of(src).length > 1,
    ),
    ...Object.entries(actor.cases ?? {}).map(([name, move]) => ({ ...make<M>(name, move, (run) => move.run(run), runs), isFree: true })),
  ];
}

/** The cases of those who are neither the oldest nor the newest of their `src`: made when there first are so many. */
class Between<M extends AnyStateMachine> {
  readonly #outcomes: Readonly<Record<string, ActorModel<M>>>;
  readonly #known = new Map<string, readonly Case<M>[]>();
  readonly #made: (one: Case<M>) => void;

  constructor(outcomes: Readonly<Record<string, ActorModel<M>>>, made: (one: Case<M>) => void) {
    this.#outcomes = outcomes;
    this.#made = made;
  }

  /** Those that a run may need now. */
  of(run: Run<M>): readonly Case<M>[] {
    if (run.running().length < 3) return [];
    return Object.keys(this.#outcomes).flatMap((src) => {
      const count = run.of(src).length;
      return Array.from({ length: Math.max(0, count - 2) }, (_, index) => this.#at(src, index + 2)).flat();
    });
  }

  /** Makes those that a name may mean: `job is done (the 3rd)`. */
  make(name: string): void {
    const [, place] = / \(the (\d{1,4})(?:st|nd|rd|th)\)(?: #\d+)?$/u.exec(name) ?? [];
    if (place !== undefined && Number(place) > 1) for (const src of Object.keys(this.#outcomes)) this.#at(src, Number(place));
  }

  /** @param place  2 for the second oldest */
  #at(src: string, place: number): readonly Case<M>[] {
    const key = JSON.stringify([src, place]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const speeches = speechesOf(src, this.#outcomes[src] as ActorModel<M>);
    const made = speechesAt(
      `the ${ordinal(place)}`,
      speeches,
      (run) => run.of(src)[place - 1] as Fake,
      (run) => run.of(src).length > place,
    );
    const named = made.map((one, index) => ({ ...one, name: numbered(made, one, index) }));
    this.#known.set(key, named);
    for (const one of named) this.#made(one);
    return named;
  }
}

function ordinal(place: number): string {
  const isTeen = place % 100 >= 11 && place % 100 <= 13;
  return `${place}${isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th')}`;
}

type Pick<M extends AnyStateMachine> = (run: Run<M>) => Fake;

function delayCases<M extends AnyStateMachine>(delays: Model<M>['delays']): readonly Case<M>[] {
  if (delays !== undefined) {
    return Object.entries(delays).map(([name, delay]) => {
      const one: DelayCase<M> = typeof delay === 'number' ? { ms: delay } : delay;
      return make<M>(name, one, (run) => run.advance(one.ms));
    });
  }
  const wait = (run: Run<M>): number => (run.clock.nextAt() ?? Infinity) - run.clock.now();
  const fires = make<M>(
    nextTimer,
    {},
    (run) => run.advance(wait(run)),
    (run) => Number.isFinite(wait(run)),
  );
  return [{ ...fires, optional: true }];
}
