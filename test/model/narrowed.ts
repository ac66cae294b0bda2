/** A model in which few cases happen: few enough for every order of many steps. */
import type { AnyStateMachine } from 'xstate';
import type { ActorModel, Model } from '../../src/testing/model/model.js';
import type { Run } from '../../src/testing/model/run.js';

type Table = Readonly<Record<string, unknown>>;

interface Terms {
  when?(run: Run<AnyStateMachine>): boolean;
}

/**
 * @param after  cases by which a path begins
 * @param then  cases that may happen from there on
 */
export function narrowed<M extends AnyStateMachine>(model: Model<M>, after: readonly string[], then: readonly string[]): Model<M> {
  const found = new Set<string>();
  const steps = ({ notes }: Run<AnyStateMachine>): number => Number(notes['steps'] ?? 0);
  const may =
    (name: string, { when }: Terms) =>
    (run: Run<AnyStateMachine>): boolean =>
      (steps(run) <= after.length ? after : then).includes(name) && (when?.(run) ?? true);
  const only = (given: unknown): unknown => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
    for (const name of Object.keys(given)) found.add(name);
    return Object.fromEntries(Object.entries(given as Record<string, Terms>).map(([name, one]) => [name, { ...one, when: may(name, one) }]));
  };
  const byType = (given: object = {}): Table => Object.fromEntries(Object.entries(given as Table).map(([type, one]) => [type, only(one)]));
  const actors = Object.entries(model.outcomes ?? {}).map(
    ([src, { done = [], error = [], reports, cases = {}, ...actor }]: [string, ActorModel<M>]) => [
      src,
      { ...actor, done: only(done), error: only(error), reports: byType(reports), cases: only(cases) },
    ],
  );
  const narrow = {
    ...model,
    events: byType(model.events),
    outcomes: Object.fromEntries(actors) as Table,
    cases: only(model.cases ?? {}),
    observe: (run: Run<M>) => {
      run.notes['steps'] = steps(run) + 1;
      model.observe?.(run);
    },
  } as unknown as Model<M>;
  const unknown = [...after, ...then].find((name) => !found.has(name));
  if (unknown !== undefined) throw new Error(`the model of '${model.machine.id}' has no case '${unknown}'`);
  return narrow;
}
