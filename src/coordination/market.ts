/**
 * A market as supervised logic: the chart with its watch over those with whom orders end.
 *
 *   orchestrator({ actors: { market: market() }, children: [{ id: 'market', src: 'market' }] })
 *
 * The handle that an app holds is in market-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { marketMachine } from '../../machines/coordination/market.js';
import type { MarketEmitted, MarketEvent } from '../../machines/coordination/market-events.js';
import { withInput } from '../supervision/supervisors.js';
import { type ExitWatch, onExit, onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { type MarketOptions, type MarketPlan, planMarket } from './market-options.js';

/** The logic of a market; it needs no input. */
export type MarketLogic = ActorLogic<SnapshotFrom<typeof marketMachine>, MarketEvent, undefined, AnyActorRef['system'], MarketEmitted>;

/** A running market. */
export type MarketRef = ActorRefFrom<MarketLogic>;

/** What a market's actor has in this process. */
interface Stall {
  /** Calls so far, to name the next. */
  calls: number;
  /** Begins to watch an owner, or goes on. @returns its name in orders */
  watch(owner: AnyActorRef): string;
}

const stalls = new WeakMap<AnyActorRef, Stall>();
const plans = new WeakMap<object, MarketPlan>();

/** What a market's actor has in this process; undefined before it has begun. */
export function stallOf(ref: AnyActorRef): Stall | undefined {
  return stalls.get(ref);
}

/** With what a market's actor was made; undefined for what runs no `market()`. */
export function planOf(ref: AnyActorRef): MarketPlan | undefined {
  return plans.get((ref as unknown as { logic: object }).logic);
}

/**
 * The logic of a market: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it cancels whatever stands, tells it, and
 * ends. Restarted by its supervisor it begins empty, with order ids of its own: a `permanent` child also after `close`, so one that is to stay closed is
 * `transient`. Restored from a snapshot it has its book; but orders that end with an actor are
 * cancelled, since nobody knows any more who that was.
 * @throws EspalierError `market/invalid-options`
 */
export function market(options: MarketOptions = {}): MarketLogic {
  const plan = planMarket(options);
  const { maxOrders, maxPerTrader, maxKeys, selfTrade } = plan;
  const logic = withInput(marketMachine.provide({ actors: { owners: owners() } }), { maxOrders, maxPerTrader, maxKeys, selfTrade });
  plans.set(logic, plan);
  return logic;
}

/** The actor `owners` of the chart: as long as it runs, those with whom orders end are watched. */
function owners(): ReturnType<typeof fromCallback<{ type: 'owners.none' }>> {
  let incarnations = 0;
  return fromCallback<{ type: 'owners.none' }>(({ self, sendBack }) => {
    const chart = parentOf(self) as AnyActorRef;
    const watched = new Map<AnyActorRef, { readonly name: string; readonly watch: ExitWatch }>();
    let names = 0;
    stalls.set(chart, {
      calls: 0,
      watch: (owner) => {
        const known = watched.get(owner);
        if (known !== undefined) return known.name;
        const name = `a${++names}`;
        const ends = (): void => {
          watched.delete(owner);
          sendBack({ type: 'owner.ended', owner: name });
        };
        watched.set(owner, { name, watch: onExit(owner, ends) });
        return name;
      },
    });
    // One that is restored goes on as the one that it was: whoever comes after it must be neither.
    incarnations = Math.max(incarnations + 1, (chart.getSnapshot() as SnapshotFrom<typeof marketMachine>).context.incarnation);
    sendBack({ type: 'owners.opened', incarnation: incarnations });
    onLoss(self, chart, () => chart.send({ type: 'owners.ended' }));
    return () => {
      for (const { watch } of watched.values()) watch.unsubscribe();
      watched.clear();
    };
  });
}
