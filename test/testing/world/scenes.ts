/** Worlds with something in them: what the tests of the kit strike and look at. */
import { fromCallback, sendTo, setup, type AnyActorRef, type EventObject } from 'xstate';
import type { App } from '../../../src/index.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import type { World } from '../../../src/testing/world/world.js';
import { trapper, worker } from '../../supervision/stage.js';

type Said = EventObject & { readonly n?: number };

/** A post office: `mail` is handed on to the neighbour, which writes down what it gets and when. */
export interface Office {
  readonly world: World;
  readonly app: App;
  /** `<n>@<ms>` for every letter that arrived. */
  readonly got: readonly string[];
  /** Gives the clerk a letter. */
  mail(n: number): void;
}

export async function office(world: World): Promise<Office> {
  const got: string[] = [];
  const neighbour = fromCallback<Said>(({ receive }) => {
    receive(({ n }) => got.push(`${n}@${world.clock.now()}`));
  });
  const clerk = setup({ types: { events: {} as { type: 'mail'; n: number; to: AnyActorRef } } }).createMachine({
    id: 'clerk',
    on: {
      mail: {
        actions: sendTo(
          ({ event }) => event.to,
          ({ event }) => ({ type: 'letter', n: event.n }),
        ),
      },
    },
  });
  const app = await world.startSupervised({
    actors: { clerk, neighbour },
    children: [
      { id: 'neighbour', src: 'neighbour' },
      { id: 'clerk', src: 'clerk' },
    ],
  });
  return {
    world,
    app,
    got,
    mail(n) {
      app.child('clerk')?.send({ type: 'mail', n, to: app.child('neighbour') });
    },
  };
}

/** A tree of two workers, `a` and `b`, and who exited, was restarted or given up, as `type id`. */
export async function workers(world: World, options: { shutdownMs?: number; traps?: boolean; lingerMs?: number } = {}) {
  const facts: string[] = [];
  const src = options.traps === true ? 'trapper' : 'worker';
  const app = await world.startSupervised({
    actors: { worker: worker(), trapper: trapper([], options.lingerMs ?? 0) },
    children: ['a', 'b'].map((id) => ({ id, src: src as 'worker', shutdownMs: options.shutdownMs ?? 50 })),
  });
  app.on('*', (fact) => {
    if (fact.type === 'child.exited' || fact.type === 'child.restarted' || fact.type === 'supervisor.gaveUp') facts.push(`${fact.type} ${fact.id}`);
  });
  return { app, facts };
}

/** Runs `body` in a world, which must leave nothing. */
export async function inWorld<Result>(body: (world: World) => Promise<Result>, seed = 1): Promise<Result> {
  await using world = createWorld({ seed });
  return await body(world);
}

/** What some seeds in a row make of one body, without doubles. */
export async function kindsOf(count: number, body: (world: World) => Promise<string>): Promise<Set<string>> {
  const found = new Set<string>();
  for (let seed = 0; seed < count; seed++) found.add(await inWorld(body, seed));
  return found;
}
