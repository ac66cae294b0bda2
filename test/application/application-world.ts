/** An application on a virtual clock, whose services start, fail, die and flush as a test says, and write down what they do. */
import { expect } from 'vitest';
import { type AnyActorRef, assign, fromCallback, setup } from 'xstate';
import { application } from '../../src/application/application.js';
import { type Application, applicationFacts } from '../../src/application/handle.js';
import type { ApplicationOptions, ApplicationService } from '../../src/application/options.js';
import { exit, exitReason } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export interface World {
  readonly clock: VirtualClock;
  readonly app: Application;
  /** What services did, and what the application said: `+db`, `-db`, `serviceLost db`. */
  readonly log: string[];
  states(): Record<string, string>;
  kill(id: string): Promise<void>;
  pass(ms: number): Promise<void>;
}

const apps: { readonly app: Application; readonly clock: VirtualClock }[] = [];

/** Writes down that it runs, and that it has ended. */
export const noted = (log: string[], id: string) =>
  fromCallback(() => {
    log.push(`+${id}`);
    return () => log.push(`-${id}`);
  });

/** A machine that is ready when it is sent `ready`, and counts. */
export const counter = setup({ types: { context: {} as { n: number }, events: {} as { type: 'up' } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
});

export const slow = setup({ types: { events: {} as { type: 'ready' }, tags: {} as 'starting' } }).createMachine({
  id: 'slow',
  initial: 'opening',
  states: { opening: { tags: 'starting', on: { ready: 'open' } }, open: {} },
});

export type Described = Partial<ApplicationService> & { readonly id: string };

export function world(services: readonly Described[] | ((log: string[]) => readonly Described[]), options: Partial<ApplicationOptions> = {}): World {
  const log: string[] = [];
  const clock = new VirtualClock();
  const described = typeof services === 'function' ? services(log) : services;
  const plan = application({ ...options, services: described.map((service) => ({ src: noted(log, service.id), ...service })) });
  const app = plan.start({ clock });
  apps.push({ app, clock });
  for (const type of applicationFacts)
    app.on(type, (fact) => {
      const { id } = fact as { id?: string | null };
      if (!/Started|Stopped/u.test(type)) log.push([type.slice('application.'.length), id].filter((word) => typeof word === 'string').join(' '));
    });
  return {
    ...{ clock, app, log },
    states: () => Object.fromEntries(app.status().services.map(({ id, state }) => [id, state])),
    kill: async (id) => {
      exit(app.service(id) as AnyActorRef, 'kill');
      await settle();
    },
    pass: async (ms) => {
      clock.advanceBy(ms);
      await settle();
    },
  };
}

/** Ends the applications of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { app, clock } of apps.splice(0)) {
    if (exitReason(app.ref) === null) {
      const ended = app.stop({ graceMs: 0 });
      clock.advanceBy(0);
      await ended;
    }
    expect(clock.pending(), 'timers left').toBe(0);
  }
}

/** Lets everything that is due be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
