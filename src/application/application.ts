/**
 * An application: services that need each other, as one tree.
 *
 *   const app = application({ services: [{ id: 'db', src: db }, { id: 'api', src: api, dependsOn: ['db'] }] }).start();
 *   await app.whenReady();
 *
 * The tree is an orchestrator's; its one child is the chart of the application, which runs a supervisor of the services.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { applicationMachine } from '../../machines/application/application.js';
import { onFact } from '../supervision/on-fact.js';
import { type App, orchestrator, type StartEnvironment } from '../supervision/orchestrator.js';
import { withInput } from '../supervision/supervisors.js';
import { Application } from './handle.js';
import { flush, keeper, Roll } from './keeper.js';
import { type ApplicationOptions, planApplication } from './options.js';
import { savedServices } from './saved-services.js';

/** An application that has been described and checked, and can be started. */
export interface ApplicationPlan {
  /** What the services run, by their ids: by these is told whether a saved one is of the same machines. What runs in place of one is not among them. */
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  /**
   * Starts it; with the snapshot of one, each service of it that ran goes on where it was. The plan is always this one: flags, needs, options, attempts and
   * budgets. `Application.restored` tells which.
   * @throws EspalierError `supervision/invalid-snapshot`, `supervision/invalid-options`, before anything starts
   */
  start(environment?: StartEnvironment): Application;
}

const servicesOfApplications = new WeakSet<object>();

/** Are these the services of an application, of which each is restored by itself? */
export function areServices(actors: object): boolean {
  return servicesOfApplications.has(actors);
}

/** The id of the application below the root of its tree. */
const ownId = 'application';

/**
 * Describes an application.
 * @throws EspalierError `application/cycle` with the way round, `application/missing-dependency`, `application/duplicate-service`,
 *   `application/unknown-flag`, `application/service-off`, `application/invalid-options`; `supervision/…` for what no supervisor would take. All of it
 *   before anything starts.
 */
export function application(options: ApplicationOptions): ApplicationPlan {
  const plan = planApplication(options);
  // Each tree has a roll of its own: a plan may be started more than once.
  const newLogic = (saved?: ReturnType<typeof savedServices>) => {
    const roll = new Roll();
    const ended = saved === undefined ? {} : { ended: saved.restored.ended };
    return withInput(
      applicationMachine.provide({ actors: { tree: plan.tree(roll, saved?.states) as never, keeper: keeper(plan, roll), flush: flush(plan) } }),
      { ...plan.input, ...ended },
    );
  };
  const actors = { ...plan.logics };
  servicesOfApplications.add(actors);
  return {
    actors,
    start(environment) {
      const { snapshot, ...around } = environment ?? {};
      const saved = snapshot === undefined ? undefined : savedServices(snapshot, ownId, plan);
      let self: AnyActorRef | undefined;
      // It may have come to its end before the start of its tree returns.
      const logic = metAs(newLogic(saved), (actor) => {
        self = actor;
        if (options.onFact !== undefined) onFact(() => actor, '*', options.onFact);
      });
      const root = orchestrator({
        actors: { application: logic },
        children: [{ id: ownId, src: ownId, restart: 'temporary', significant: true, shutdownMs: 'infinity' }],
        autoShutdown: 'anySignificant',
      });
      const app: App = root.start(around);
      return new Application(app, self as unknown as AnyActorRef, plan, saved?.restored ?? null);
    },
  };
}

/** The logic, whose actor is known as soon as there is one, before it starts. */
function metAs<Logic extends AnyActorLogic>(logic: Logic, met: (actor: AnyActorRef) => void): Logic {
  const { getInitialSnapshot, restoreSnapshot } = logic;
  return Object.assign(logic, {
    getInitialSnapshot: (scope: { readonly self: AnyActorRef }, input: unknown) => {
      met(scope.self);
      return getInitialSnapshot.call(logic, scope as never, input) as unknown;
    },
    restoreSnapshot: (snapshot: unknown, scope: { readonly self: AnyActorRef }) => {
      met(scope.self);
      return restoreSnapshot?.call(logic, snapshot as never, scope as never) as unknown;
    },
  });
}
