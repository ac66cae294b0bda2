/** A machine without a model, with all that it takes: its events bare and by samples, its actors fakes that end and fail. */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

import { type AnyStateNode, invocations, statesOf } from '../../charts/edges.js';
import { type AnyRun, fakeLogic } from '../model/fake.js';
import { textOf } from '../model/noted.js';
import { actionListsOf } from '../mutation/edits.js';
import { bounded, eventTypesOf, faultsOf, type Stage, type Step } from './stage.js';
import { type Watch, watched } from './watch.js';

/** What a machine is played with that its definition does not tell. */
export interface Samples {
  /** What it is started with, by name. Default: one start named `start`, without input. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Events with what they carry. Every type of the machine is sent bare, too. */
  readonly events?: readonly EventObject[];
  /** By `src`: what that actor may end with. Default: nothing. */
  readonly outputs?: Readonly<Record<string, readonly unknown[]>>;
}

/** How long a delay takes of which there is no implementation, ms. */
const fakedDelayMs = 10;

/** @param machine  its actors are replaced; its guards and actions run as they are, and where one is missing there is one that does nothing */
export function stageOfMachine(machine: AnyStateMachine, { inputs, events = [], outputs = {} }: Samples, watch: Watch): Stage {
  const needed = namesNeeded(machine);
  const actors = Object.fromEntries(needed.actors.map((src) => [src, fakeLogic(src)]));
  const missing = {
    guards: Object.fromEntries(needed.guards.map((name) => [name, () => watch.turn()])),
    actions: Object.fromEntries(needed.actions.map((name) => [name, () => {}])),
    delays: Object.fromEntries(needed.delays.map((name) => [name, fakedDelayMs])),
  };
  const copy = bounded(watched(machine, watch, missing).provide({ actors } as never));
  const types = eventTypesOf(copy);
  const bare = types.map((type): EventObject => ({ type }));
  const sent = [...bare, ...events].map(
    (event, index): Step => ({
      name: index < bare.length ? event.type : `${event.type} #${index - bare.length + 1}`,
      weight: index < bare.length && events.some(({ type }) => type === event.type) ? 0.2 : 1,
      run: ({ actor }) => actor.send(event),
    }),
  );
  return {
    machine: copy,
    starts: inputs ?? { start: undefined },
    offered: (run) => (run.isActive ? [...sent, ...deedsOfActors(run, outputs), ...timers(run)] : []),
    faults: (run) => faultsOf(run, []),
    probes: [...bare, ...events],
    keyOf,
  };
}

function deedsOfActors(run: AnyRun, outputs: NonNullable<Samples['outputs']>): readonly Step[] {
  return [...new Set(run.running().map(({ src }) => src))].flatMap((src) => {
    const newest = (of: AnyRun) => of.of(src).at(-1) as ReturnType<AnyRun['of']>[number];
    return [
      ...(outputs[src] ?? [undefined]).map(
        (output, index): Step => ({
          name: `${src} ends${index === 0 ? '' : ` #${index + 1}`}`,
          weight: 1,
          run: (of) => of.resolve(newest(of), output),
        }),
      ),
      { name: `${src} fails`, weight: 1, run: (of) => of.reject(newest(of), new Error(`${src} failed`)) },
      // Whoever follows its snapshots is told of a new one.
      { name: `${src} moves`, weight: 0.5, run: (of) => newest(of).ref.send({ type: 'move' }) },
    ];
  });
}

function timers({ clock }: AnyRun): readonly Step[] {
  if (clock.nextAt() === undefined) return [];
  return [{ name: 'the next timer fires', weight: 1, run: (run) => run.advance((run.clock.nextAt() ?? run.clock.now()) - run.clock.now()) }];
}

function keyOf(run: AnyRun): string {
  const { status, value, context } = run.snapshot as AnyMachineSnapshot;
  const next = run.clock.nextAt();
  return JSON.stringify([
    run.start,
    status,
    value,
    run.running().map(({ id, src }) => [src, id]),
    textOf(context),
    next === undefined ? null : next - run.clock.now(),
  ]);
}

/** What a definition names, of all that it may name. */
interface Names {
  readonly guards: readonly string[];
  readonly actions: readonly string[];
  readonly delays: readonly string[];
  readonly actors: readonly string[];
}

function namesNeeded(machine: AnyStateMachine): Names {
  const nodes = statesOf(machine);
  const builtin = actionListsOf(machine).flatMap(({ actions }) => actions);
  const made = [...builtin, ...Object.values(machine.implementations.actions)].filter((one) => typeof one === 'function') as unknown as Made[];
  const names = (given: readonly unknown[]): readonly string[] => [
    ...new Set(given.flatMap((one) => (typeof one === 'string' ? [one] : typeNamed(one)))),
  ];
  return {
    guards: names(nodes.flatMap((node) => guardsOf(node).flatMap(parts))),
    actions: names(builtin),
    delays: names([
      ...nodes.flatMap(({ config }) => Object.keys(config.after ?? {}).filter((delay) => Number.isNaN(Number(delay)))),
      ...made.map(({ delay }) => delay),
    ]),
    actors: names([
      ...Object.keys(machine.implementations.actors),
      ...nodes.flatMap((node) => invocations(node).map(({ src }) => src)),
      ...made.map(({ src }) => src),
    ]),
  };
}

/** What XState's action creators keep of their arguments. */
interface Made {
  readonly delay?: unknown;
  readonly src?: unknown;
}

function typeNamed(one: unknown): readonly string[] {
  if (typeof one !== 'object' || one === null) return [];
  const { type } = one as { readonly type?: unknown };
  return typeof type === 'string' ? [type] : [];
}

function guardsOf(node: AnyStateNode): readonly unknown[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(({ guard }) => guard as unknown);
}

/** A guard, or those of which XState has made it. */
function parts(guard: unknown): readonly unknown[] {
  const { guards } = (typeof guard === 'function' ? guard : {}) as { readonly guards?: readonly unknown[] };
  return guards === undefined ? [guard] : guards.flatMap(parts);
}
