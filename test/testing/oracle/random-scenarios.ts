/**
 * Random trees and what is done to them, as scenarios of the conformance corpus (test/conformance/otp/FORMAT.md §3): data, so that one that fails can be
 * kept, read and played again.
 *
 * Left out, because OTP itself promises nothing there: a limit of 0 ms for a worker that would end at once when asked (two signals race), and delays
 * that end at one moment (so every delay is a little longer than the last).
 *
 * Left out, because the library differs and says so: child specs that are nonsense (misuse is thrown at the call, before its turn); `auto_shutdown` of a
 * template (refused, as by newer OTP); workers that ignore every request below a supervisor that may be killed (OTP leaves them to themselves, here they
 * have an owner and a deadline: docs/decisions/004).
 */
import fc from 'fast-check';

import type { Child, Scenario, StartAction, Step, StopBehaviour, Sup } from '../../conformance/otp/line.js';

const strategies = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;
const restarts = ['permanent', 'transient', 'temporary'] as const;

const reason = fc.constantFrom('boom', 'boom', 'normal', 'shutdown', ['shutdown', 'done'] as const);
const delay = fc.constantFrom(20, 120, 470, 1_270);

const startAction: fc.Arbitrary<StartAction> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('ok') },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('error'), reason: fc.constant('no'), delay }, { requiredKeys: ['do', 'reason'] }) },
  { weight: 1, arbitrary: fc.constant({ do: 'exit', reason: 'crashed' }) },
  { weight: 1, arbitrary: fc.constant('bad') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ignore'), delay }, { requiredKeys: ['do'] }) },
  { weight: 1, arbitrary: fc.constant({ do: 'ok', extra: 'info' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ok'), delay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ok'), die_after: delay, reason }) },
);

/** Mostly the first attempt succeeds, or there would be little to see. */
const plan = fc
  .tuple(fc.nat({ max: 24 }), fc.array(startAction, { minLength: 1, maxLength: 4 }))
  .map(([luck, rest]): readonly StartAction[] => (luck === 24 ? rest : ['ok', ...rest]));

const stop: fc.Arbitrary<StopBehaviour> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('ignore' as const) },
  {
    weight: 2,
    arbitrary: fc.record({ delay, reason: fc.constantFrom('late', 'normal', ['shutdown', 'bye'] as const) }, { requiredKeys: ['reason'] }),
  },
);

/** A child before it has a name: ids are given by place, so that a smaller tree is still a tree. */
interface Sketch extends Omit<Child, 'sup'> {
  readonly sup?: Omit<Sup, 'children'> & { readonly children?: readonly Sketch[] };
}

const worker: fc.Arbitrary<Sketch> = fc
  .record(
    {
      restart: fc.constantFrom(...restarts),
      significant: fc.boolean(),
      shutdown: fc.constantFrom(257, 857, 'infinity', 'brutal_kill', 0),
      start: plan,
      stop,
    },
    { requiredKeys: [] },
  )
  .map((sketch) => {
    // One that ignores requests under no limit would never end.
    if (sketch.stop === 'ignore' && typeof sketch.shutdown !== 'number') return { ...sketch, shutdown: 257 };
    return sketch.shutdown === 0 && typeof sketch.stop === 'object' ? { ...sketch, shutdown: 857 } : sketch;
  });

const limits = { intensity: fc.constantFrom(0, 1, 1, 2, 3, 5), period: fc.constantFrom(1, 1, 2) };

const simple: fc.Arbitrary<Sketch['sup'] & object> = fc
  .record({ ...limits, children: fc.tuple(worker) })
  .map(({ children: [template], ...flags }) => {
    // Instances bring a stop behaviour of their own, which a limit of 0 would race with.
    const { significant: _, ...instance } = template.shutdown === 0 ? { ...template, shutdown: 257 } : template;
    return { ...flags, strategy: 'simple_one_for_one', children: [instance] };
  });

const dynamic: fc.Arbitrary<Sketch['sup'] & object> = fc
  .record({ ...limits, max_children: fc.constantFrom(1, 2, 3) }, { requiredKeys: ['intensity', 'period'] })
  .map((flags) => ({ ...flags, strategy: 'dynamic' }));

function listed(depth: number): fc.Arbitrary<Sketch['sup'] & object> {
  return fc.record({
    strategy: fc.constantFrom(...strategies),
    ...limits,
    auto_shutdown: fc.constantFrom('never', 'never', 'any_significant', 'all_significant'),
    children: fc.array(child(depth), { minLength: 1, maxLength: 4 }),
  });
}

function child(depth: number): fc.Arbitrary<Sketch> {
  if (depth === 0) return worker;
  const sup = fc.oneof({ weight: 4, arbitrary: listed(depth - 1) }, { weight: 1, arbitrary: simple }, { weight: 1, arbitrary: dynamic });
  const nested = fc.record(
    {
      sup,
      restart: fc.constantFrom(...restarts),
      significant: fc.boolean(),
      shutdown: fc.constantFrom('infinity', 1_057, 'brutal_kill'),
      start: plan,
    },
    { requiredKeys: ['sup'] },
  );
  // The start of a supervisor neither dies by itself nor returns more than itself.
  const plain = nested.map(({ start, ...sketch }) => ({ ...sketch, ...(start === undefined ? {} : { start: start.filter((one) => !isRich(one)) }) }));
  return fc.oneof(
    { weight: 3, arbitrary: worker },
    { weight: 2, arbitrary: plain.map((it) => (it.start?.length === 0 ? { ...it, start: ['ok'] } : it)) },
  );
}

function isRich(action: StartAction): boolean {
  return typeof action === 'object' && (action.extra !== undefined || action.die_after !== undefined);
}

/** A step before it is known what there is to do it to. */
interface Move {
  readonly gap: number;
  readonly what: string;
  readonly who: number;
  readonly where: number;
  readonly reason: Step['reason'];
  readonly child: Sketch;
}

const move: fc.Arbitrary<Move> = fc.record({
  // Whole and half seconds meet the edges of windows of 1 and 2 s exactly.
  gap: fc.constantFrom(500, 500, 1_000, 250, 2_000),
  what: fc.oneof(
    { weight: 9, arbitrary: fc.constant('crash') },
    { weight: 2, arbitrary: fc.constantFrom('kill', 'wait') },
    { weight: 5, arbitrary: fc.constantFrom('start_child', 'terminate_child', 'restart_child', 'delete_child', 'get_childspec') },
    { weight: 1, arbitrary: fc.constantFrom('kill_supervisor', 'stop', 'exit_top') },
  ),
  who: fc.nat({ max: 30 }),
  where: fc.nat({ max: 30 }),
  reason,
  child: worker,
});

/** A tree, up to three levels deep, and up to a dozen things done to it. */
export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    sup: fc.oneof(
      { weight: 5, arbitrary: listed(0) },
      { weight: 8, arbitrary: listed(1) },
      { weight: 2, arbitrary: listed(2) },
      { weight: 2, arbitrary: simple },
      { weight: 2, arbitrary: dynamic },
    ),
    moves: fc.array(move, { minLength: 1, maxLength: 12 }),
  })
  .map(({ sup, moves }) => new Naming().scenario(sup, moves));

interface Place {
  readonly path: string;
  readonly kind: string;
  readonly ids: string[];
  /** Does it end by itself when a significant child has? */
  readonly auto: boolean;
  readonly mayBeKilled: boolean;
}

/** Gives everybody a name, and every move somebody to be done to. */
class Naming {
  readonly #workers: string[] = [];
  readonly #supervisors: Place[] = [];
  #count = 0;
  #delays = 0;
  #killing = false;

  scenario(sup: Sketch['sup'] & object, moves: readonly Move[]): Scenario {
    this.#killing = moves.some(({ what }) => what === 'kill_supervisor');
    const top: Child = { id: 'top', type: 'supervisor', sup: this.#named(sup, 'top', this.#killing) };
    let at = 0;
    const steps = moves.map((it) => ({ at: (at += it.gap), ...this.#step(it) }));
    return { kind: 'supervisor', top, steps: [{ at: 0, op: 'start' }, ...steps], tail: 4_000 };
  }

  #named(sup: Sketch['sup'] & object, path: string, mayBeKilled: boolean): Sup {
    const auto = sup.auto_shutdown !== undefined && sup.auto_shutdown !== 'never';
    const own: Place = { path, kind: sup.strategy as string, ids: [], auto, mayBeKilled };
    this.#supervisors.push(own);
    return {
      ...sup,
      ...(sup.children === undefined ? {} : { children: sup.children.map((one) => this.#child(one, own, own.kind !== 'simple_one_for_one')) }),
    };
  }

  #child(sketch: Sketch, parent: Place, exists: boolean): Child {
    const { sup, significant, ...rest } = sketch;
    const id = `${sup === undefined ? 'w' : 's'}${++this.#count}`;
    const path = `${parent.path}/${id}`;
    if (exists) parent.ids.push(id);
    if (exists && sup === undefined) this.#workers.push(path);
    // Significant means something only there; elsewhere it is refused.
    const counts = significant === true && parent.auto && (rest.restart === 'transient' || rest.restart === 'temporary');
    const { start: _, stop: __, ...plain } = rest;
    const named = { id, ...plain, ...this.#behaviour(rest, parent.mayBeKilled), ...(counts ? { significant } : {}) };
    if (sup === undefined) return named;
    const mayBeKilled = this.#killing || (rest.shutdown !== undefined && rest.shutdown !== 'infinity');
    // A supervisor and one below it are asked at one moment: with limits alike, it would be chance which of them is killed first.
    const limit = typeof rest.shutdown === 'number' ? { shutdown: rest.shutdown + ++this.#delays } : {};
    return { ...named, ...limit, type: 'supervisor', sup: this.#named(sup, path, mayBeKilled) };
  }

  /** No two delays are alike. */
  #behaviour({ start, stop: asked }: Sketch, mayBeKilled: boolean): Pick<Child, 'start' | 'stop'> {
    const stop = asked !== 'ignore' ? asked : mayBeKilled ? { delay: 120 } : asked;
    return {
      ...(start === undefined ? {} : { start: start.map((action) => (typeof action === 'string' ? action : this.#longer(action))) }),
      ...(stop === undefined ? {} : { stop: typeof stop === 'string' ? stop : this.#longer(stop) }),
    };
  }

  #longer<Timed extends { readonly delay?: number; readonly die_after?: number }>(timed: Timed): Timed {
    const { delay: before, die_after: after, ...rest } = timed;
    const more = ++this.#delays;
    const delayed = before === undefined ? {} : { delay: before + more };
    return { ...rest, ...delayed, ...(after === undefined ? {} : { die_after: after + more }) } as Timed;
  }

  #step({ what, who, where, reason, child }: Move): Step {
    const supervisor = pick(this.#supervisors, where);
    if (what === 'exit_top') return { op: what, reason };
    if (what === 'stop') return { op: what, sup: supervisor.path, reason };
    if (what === 'kill_supervisor') return { op: 'kill', id: supervisor.path };
    if (what === 'crash' || what === 'kill') {
      if (this.#workers.length === 0) return { op: 'wait' };
      return what === 'kill' ? { op: what, id: pick(this.#workers, who) } : { op: what, id: pick(this.#workers, who), reason };
    }
    if (what === 'wait') return { op: what };
    return this.#call(what, supervisor, who, child);
  }

  #call(asked: string, supervisor: Place, who: number, sketch: Sketch): Step {
    const { path: sup, kind, ids } = supervisor;
    const isListed = kind !== 'simple_one_for_one' && kind !== 'dynamic';
    // A dynamic supervisor knows no ids; a template refuses what is said of them.
    const isKnown = isListed || asked === 'terminate_child' || (kind === 'simple_one_for_one' && asked !== 'get_childspec' && who % 3 === 0);
    const op = isKnown ? asked : 'start_child';
    if (op === 'start_child') {
      // Now and then an id that is taken.
      const taken = ids.filter((id) => id.startsWith('w'));
      if (isListed && who % 4 === 0 && taken.length > 0)
        return {
          op,
          sup,
          child: { restart: sketch.restart ?? 'permanent', ...this.#behaviour(sketch, supervisor.mayBeKilled), id: pick(taken, who) },
        };
      const added = this.#child(sketch, supervisor, true);
      if (kind !== 'simple_one_for_one') return { op, sup, child: added };
      const { id, start, stop } = added;
      const own = { ...(start === undefined ? {} : { start }), ...(stop === undefined || stop === 'ignore' ? {} : { stop }) };
      return { op, sup, args: { name: id, ...own } };
    }
    if (ids.length === 0) return { op: 'wait' };
    const id = who % 8 === 7 && isListed ? 'nobody' : pick(ids, who);
    return { op, sup, id, ...(isListed || op !== 'terminate_child' ? {} : { by: 'name' }) };
  }
}

function pick<Item>(items: readonly Item[], index: number): Item {
  return items[index % items.length] as Item;
}
