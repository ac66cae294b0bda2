/** How models look at a step: what the actors of a role were told in it, and whether something is what it should be. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { Run } from '../model/run.js';

type AnyRun = Run<AnyStateMachine>;

/** What the actors of a role were told since the run began, by the order in which they were made, then by time. */
export function allTold({ fakes }: Pick<AnyRun, 'fakes'>, role: string): readonly AnyEventObject[] {
  return fakes.filter(({ src }) => src === role).flatMap(({ received }) => received);
}

/** Notes what the actors of a role have been told, for {@link toldNow}: to be called in each `observe`, of one role. */
export function noteTold({ notes, fakes }: Pick<AnyRun, 'notes' | 'fakes'>, role: string): void {
  Object.assign(notes, { toldBefore: ((notes['told'] ?? []) as readonly unknown[]).length, told: allTold({ fakes }, role) });
}

/** What the actors of that role were told in the last step. */
export function toldNow({ notes }: Pick<AnyRun, 'notes'>): readonly AnyEventObject[] {
  return ((notes['told'] ?? []) as readonly AnyEventObject[]).slice(Number(notes['toldBefore'] ?? 0));
}

/** Are both the same as JSON? @returns what differs; undefined where nothing does */
export function same(what: string, got: unknown, expected: unknown): string | undefined {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  return a === b ? undefined : `${what} ${a}, not ${b}`;
}
