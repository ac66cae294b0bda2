/**
 * The telemetry of an app: metrics, spans and logs from what its actors do, and handlers of its facts.
 *
 *   const telemetry = instrument({ opentelemetry, logger: jsonLogger() });
 *   const app = orchestrator({ actors: { telemetry: telemetry.logic, … }, children: [{ id: 'telemetry', src: 'telemetry' }, …] }).start();
 *
 * It reads and never acts: whatever in it fails is reported, and the app never notices. What is counted is kept by the instrumentation and not by its actor, so
 * a restart of that forgets nothing.
 */
import { type AnyActorRef, type CallbackActorLogic, type EventObject, fromCallback } from 'xstate';
import { isActor, sortOf } from '../option-checks.js';
import { printFault } from '../supervision/last-resort.js';
import { orderOf } from '../supervision/watch.js';
import { genAiSchemaUrl } from '../telemetry/gen-ai.js';
import { Handlers } from '../telemetry/handlers.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { invalid } from '../telemetry/refusal.js';
import type { Fact } from './model-work.js';
import { type InstrumentationOptions, planInstrumentation } from './options.js';
import { observeProcess, type OwnMetrics, ownMetrics } from './own-metrics.js';
import type { Seen } from './seen.js';
import type { TelemetryFact } from './telemetry-events.js';
import { Watcher } from './watcher.js';

/** What a handler is told: a fact, and who emitted it. */
export interface FactNews {
  readonly type: string;
  /** As it was emitted, with whatever is in it. */
  readonly fact: Fact;
  /** The path of the actor; empty for what telemetry tells of itself. */
  readonly actor: string;
  /** Which actor of its place it is, from 1. */
  readonly incarnation: number;
  /** The id of its machine; null for other logic. */
  readonly machine: string | null;
}

/** The logic of a child that watches the system it is in. */
export type TelemetryLogic = CallbackActorLogic<EventObject, undefined, TelemetryFact>;

/** An app's telemetry, made by {@link instrument}. */
export interface Instrumentation {
  readonly metrics: Metrics;
  /** Handlers of facts. One that throws is detached and reported, and is in nobody's way. */
  readonly handlers: Pick<Handlers<FactNews>, 'attach' | 'detach' | 'ids'>;
  /** For a supervisor's child: it watches while it runs. First in its tree, it sees everybody. */
  readonly logic: TelemetryLogic;
  /**
   * Watches the system of an actor, until `detach`; also as `start({ inspect })` of an orchestrator. Whatever is under way then is ended, `detached`.
   * @throws EspalierError `telemetry/invalid-options` for what is no actor
   */
  attach(actor: AnyActorRef): { detach(): void };
}

/**
 * Makes the telemetry of an app.
 * @throws EspalierError `telemetry/invalid-options`
 */
export function instrument(options: InstrumentationOptions = {}): Instrumentation {
  return new InstrumentationOfApp(options);
}

class InstrumentationOfApp implements Instrumentation {
  readonly metrics: Metrics;
  readonly handlers: Handlers<FactNews>;
  readonly logic: TelemetryLogic;
  readonly #watcher: Watcher;
  readonly #tellers = new Set<(fact: TelemetryFact) => void>();
  readonly #faults: OwnMetrics['faults'];
  /** What is to be told of telemetry itself, one after the other: what fails at that is told next. null: nothing is being told. */
  #telling: TelemetryFact[] | null = null;

  constructor(options: InstrumentationOptions) {
    const plan = planInstrumentation(options);
    const { meter } = options;
    const tracer = plan.tracer ?? plan.opentelemetry?.trace.getTracer('espalier', undefined, { schemaUrl: genAiSchemaUrl }) ?? null;
    this.metrics =
      options.metrics ??
      createMetrics({
        ...(meter === undefined ? {} : { meter }),
        onOverflow: ({ name, maxSeries }) => this.#tell({ type: 'telemetry.overflowed', name, maxSeries }),
        onFault: (where, error) => this.#fault(where, error),
      });
    const own = ownMetrics(this.metrics);
    observeProcess(this.metrics, own);
    this.#faults = own.faults;
    this.handlers = new Handlers({
      sends: { during: (act) => this.#watcher.countSends(act), count: () => this.#watcher.sends },
      onFailure: ({ id, type, error }) => {
        this.#faults.add(1, { where: 'a handler' });
        printFault(`the telemetry handler '${id}'`, error);
        this.#tell({ type: 'telemetry.handlerDetached', id, at: type, error: nameOf(error) });
      },
    });
    this.#watcher = new Watcher({ ...plan, tracer }, own, {
      fact: (seen, fact) => this.handlers.tell(newsOf(seen, fact)),
      fault: (where, error) => this.#fault(where, error),
      faultAgain: (where) => this.#faults.add(1, { where }),
    });
    this.logic = this.#logic();
    if (options.actor !== undefined) this.attach(options.actor);
  }

  attach(actor: AnyActorRef): { detach(): void } {
    if (!isActor(actor)) throw invalid('actor', 'an actor', sortOf(actor));
    const leave = this.#watcher.attach(actor);
    return { detach: () => leave(true) };
  }

  #logic(): TelemetryLogic {
    return fromCallback<EventObject, undefined, TelemetryFact>(({ self, emit }) => {
      const tell = (fact: TelemetryFact): void => emit(fact);
      this.#tellers.add(tell);
      const leave = this.#watcher.attach(self);
      return () => {
        this.#tellers.delete(tell);
        // One that was killed or has crashed comes back, and goes on with what is under way.
        leave(orderOf(self) !== 'killed');
      };
    });
  }

  #fault(where: string, error: unknown): void {
    this.#faults.add(1, { where });
    printFault(`telemetry: ${where}`, error);
    this.#tell({ type: 'telemetry.faulted', where, error: nameOf(error) });
  }

  #tell(fact: TelemetryFact): void {
    // What fails at telling of what failed has an end, as each is detached; this is for what has none.
    if (this.#telling !== null) return void (this.#telling.length < mostTold && this.#telling.push(fact));
    this.#telling = [fact];
    try {
      for (let place = 0; place < this.#telling.length; place++) this.#tellOne(this.#telling[place] as TelemetryFact);
    } finally {
      this.#telling = null;
    }
  }

  #tellOne(fact: TelemetryFact): void {
    try {
      for (const teller of this.#tellers) teller(fact);
      this.handlers.tell({ type: fact.type, fact, actor: '', incarnation: 1, machine: null });
      this.#watcher.log(fact);
    } catch {
      // It was counted; to tell of what fails at telling would have no end.
    }
  }
}

/** So many facts of telemetry itself are told in one go, at most. */
const mostTold = 1_000;

function newsOf(seen: Seen, fact: Fact): FactNews {
  return {
    type: fact.type,
    fact,
    machine: seen.machine,
    // Made when somebody reads them.
    get actor() {
      return seen.path;
    },
    get incarnation() {
      return seen.incarnation;
    },
  };
}

/** What an error is called; its message may hold what was said. */
function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? error.name : sortOf(error);
  } catch {
    return 'what cannot be read';
  }
}
