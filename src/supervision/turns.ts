/**
 * Taking turns: what processes do at one time, told in a row.
 *
 * XState's actors run to completion in whoever sends to them, so to ask two supervisors to end would end the whole tree of the first before the
 * second hears of it. Where many are asked at once, every request and every notice of an end waits for its turn, first come, first served: as
 * processes would, all trees shrink together, from the leaves up. Elsewhere a turn is taken at once.
 */
import type { AnyActorRef } from 'xstate';

interface Turns {
  readonly waiting: (() => void)[];
  isTaken: boolean;
}

const turnsBySystem = new WeakMap<object, Turns>();

function turnsOf({ system }: AnyActorRef): Turns {
  const turns = turnsBySystem.get(system) ?? { waiting: [], isTaken: false };
  turnsBySystem.set(system, turns);
  return turns;
}

/** Does something in turn: at once, or after what already waits in the actor's system. */
export function inTurn(actor: AnyActorRef, act: () => void): void {
  const turns = turnsOf(actor);
  if (turns.isTaken) turns.waiting.push(act);
  else act();
}

/**
 * Lets everything that `begin` sets off take turns, until nothing waits. Within another's turns, it joins them.
 * @throws what the first turn that threw did, after all others have had theirs
 */
export function takeTurns(actor: AnyActorRef, begin: () => void): void {
  const turns = turnsOf(actor);
  if (turns.isTaken) {
    begin();
    return;
  }
  turns.isTaken = true;
  turns.waiting.push(begin);
  const faults: unknown[] = [];
  // By index, and emptied at the end: to shift each turn out of a hundred thousand would move all the others.
  for (let index = 0; index < turns.waiting.length; index++) {
    try {
      turns.waiting[index]?.();
    } catch (fault) {
      faults.push(fault);
    }
  }
  turns.waiting.length = 0;
  turns.isTaken = false;
  if (faults.length > 0) throw faults[0];
}
