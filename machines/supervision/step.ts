/** What a chart does about one message: the decision as data, and the one place that turns it into XState's effects. */

/** A decision. Facts are emitted first, then orders go to the pool, then timers are set. */
export interface Step<Context, Fact, Order, Message> {
  readonly changes?: Partial<Context>;
  readonly facts?: readonly Fact[];
  readonly orders?: readonly Order[];
  /** Sent to the chart itself, `delayMs` from now, under `id`. */
  readonly later?: { readonly event: Message; readonly delayMs: number; readonly id: string };
  /** Cancels what was sent for later under these ids. */
  readonly forget?: readonly string[];
}

/** The part of XState's `enqueue` that a step needs. */
interface Enqueue {
  assign(changes: never): void;
  emit(fact: never): void;
  sendTo(target: never, event: never): void;
  raise(event: never, options: never): void;
  cancel(id: string): void;
}

/** Carries a step out: `enqueueActions(({ context, event, enqueue }) => carryOut(enqueue, decide(context, event)))`. */
export function carryOut<Context, Fact, Order, Message>(enqueue: Enqueue, step: Step<Context, Fact, Order, Message>): void {
  const { changes, facts = [], orders = [], later, forget = [] } = step;
  for (const id of forget) enqueue.cancel(id);
  if (changes !== undefined) enqueue.assign(changes as never);
  for (const fact of facts) enqueue.emit(fact as never);
  for (const order of orders) enqueue.sendTo('pool' as never, order as never);
  if (later !== undefined) enqueue.raise(later.event as never, { delay: later.delayMs, id: later.id } as never);
}
