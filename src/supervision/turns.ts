/**
 * Taking turns: what processes do at one time, told in a row.
 *
 * XState's actors run to completion in whoever sends to them. So to ask two supervisors to end would end the whole tree of the first before the
 * second hears of it; and an end that ends another actor, whose end ends a third, would go one step further down the stack with each, until there is
 * no stack left. Where many are asked at once, and wherever an end is told, every request and every notice waits for its turn, first come, first
 * served: as processes would, all trees shrink together, from the leaves up, and a chain of any length ends link by link. Elsewhere a turn is taken at
 * once. There is one row for all systems, since links tie actors of any two.
 */
/** What is done when its turn has come. */
export interface Turn {
  take(): void;
}

const waiting: Turn[] = [];
let isTaken = false;

/** Does something in turn: at once, or after all that already waits. */
export function inTurn(act: () => void): void {
  if (isTaken) waiting.push({ take: act });
  else act();
}

/**
 * Lets everything that `begin` sets off take turns, until nothing waits. Within another's turns, it joins them.
 * @throws what the first turn that threw did, after all others have had theirs
 */
export function takeTurns(begin: () => void): void {
  if (isTaken) {
    begin();
    return;
  }
  queueTurn({ take: begin });
  takeWaiting();
}

/** Puts a turn behind those that wait; it is taken when {@link takeWaiting} next has its way. */
export function queueTurn(turn: Turn): void {
  waiting.push(turn);
}

/**
 * Takes all turns that wait, and what they set off, until nothing waits. Within another's turns they are left to it.
 * @throws what the first turn that threw did, after all others have had theirs
 */
export function takeWaiting(): void {
  if (isTaken) return;
  isTaken = true;
  let faults: unknown[] | undefined;
  // By index, and emptied at the end: to shift each turn out of a hundred thousand would move all the others.
  for (let index = 0; index < waiting.length; index++) {
    try {
      waiting[index]?.take();
    } catch (fault) {
      (faults ??= []).push(fault);
    }
  }
  waiting.length = 0;
  isTaken = false;
  if (faults !== undefined) throw faults[0];
}
