/** Sharing as one would do it who has no time to lose but his own: unit by unit, and each least before any of them. What the real one is held to. */
import type { AllocationInput, Amounts, Demand } from '../../machines/coordination/allocation-events.js';
import { drawnOrder } from '../../machines/coordination/tie.js';

/** What an agent says. */
export type Said = Pick<Demand, 'demand' | 'least'>;

export const at = (of: Amounts, name: string): number => of[name] ?? 0;

/**
 * Who has what: of whoever wants anything in a way that can be heard, null where it cannot have its least.
 * @param said  what each has said, in the order of the agents; null: it was not heard
 */
export function due(input: AllocationInput, said: readonly (Said | null)[]): Readonly<Record<string, Amounts | null>> {
  const { agents, resources, rule, seed, priorities } = input;
  const names = Object.keys(resources);
  const isDemand = ({ demand, least }: Demand): boolean =>
    names.every((name) => at(least, name) <= at(demand, name)) && names.some((name) => at(demand, name) > 0);
  const all = agents
    .flatMap((agent, nth) => {
      const one = said[nth] ?? null;
      return one === null ? [] : [{ agent, ...one }];
    })
    .filter(isDemand);
  const who = all.map(({ agent }) => agent);
  const left: Record<string, number> = { ...resources };
  const turn = drawnOrder(seed, rule === 'priority' ? 'priority' : 'admitted', who);
  const need = (one: Demand): number => Math.max(...names.map((name) => (at(one.least, name) === 0 ? 0 : at(one.least, name) / at(resources, name))));
  const rank = (one: Demand): number => (rule === 'priority' ? -at(priorities, one.agent) : need(one));
  const result: Record<string, Record<string, number> | null> = Object.fromEntries(who.map((agent) => [agent, null]));
  for (const one of [...all].sort((a, b) => rank(a) - rank(b) || turn.indexOf(a.agent) - turn.indexOf(b.agent))) {
    if (names.some((name) => at(one.least, name) > at(left, name))) continue;
    const first =
      rule === 'priority' ? (name: string): number => Math.min(at(one.demand, name), at(left, name)) : (name: string): number => at(one.least, name);
    result[one.agent] = Object.fromEntries(names.map((name) => [name, first(name)]));
    for (const name of names) left[name] = at(left, name) - first(name);
  }
  if (rule === 'priority') return result;
  for (const name of names) {
    const drawn = drawnOrder(seed, `of ${name}`, who);
    const most = (one: Demand): number => Math.min(at(one.demand, name), at(resources, name));
    const those = all.filter(({ agent }) => result[agent] !== null);
    const has = (one: Demand): Record<string, number> => result[one.agent] as Record<string, number>;
    const wants = (one: Demand): number => most(one) - at(one.least, name);
    const [rest, wanted] = [at(left, name), those.reduce((sum, one) => sum + wants(one), 0)];
    const quota = new Map(those.map((one) => [one.agent, wanted <= rest ? wants(one) : (rest * wants(one)) / wanted]));
    if (rule === 'proportional')
      for (const one of those) {
        const whole = wanted <= rest ? wants(one) : Math.floor((rest * wants(one)) / wanted);
        has(one)[name] = at(has(one), name) + whole;
        left[name] = at(left, name) - whole;
      }
    // Whoever has least, or of what it should have lacks most; then as the seed draws.
    const lack = (one: Demand): number =>
      rule === 'maxMin' ? at(has(one), name) : Math.round((at(has(one), name) - at(one.least, name) - (quota.get(one.agent) ?? 0)) * 1e6);
    while (at(left, name) > 0) {
      const open = those.filter((one) => at(has(one), name) < most(one));
      const [next] = open.sort((a, b) => lack(a) - lack(b) || drawn.indexOf(a.agent) - drawn.indexOf(b.agent));
      if (next === undefined) break;
      has(next)[name] = at(has(next), name) + 1;
      left[name] = at(left, name) - 1;
    }
  }
  return result;
}
