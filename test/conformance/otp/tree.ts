/** Turns the child specs and flags of a scenario into ours. Values are translated, never judged: validation is the library's business. */
import type { AnyActorLogic } from 'xstate';

import { dynamicSupervisorMachine, supervisorMachine, type ChildSpec } from '../../../src/index.js';
import type { Child, Json, StartAction, Step, StopBehaviour, Sup } from './line.js';
import { toOurs } from './terms.js';
import { planLogic, workerLogic, type StartPlans, type WorkerInput } from './worker.js';

/** `static`: supervisor.erl with a list · `simple`: simple_one_for_one · `dynamic`: Elixir's DynamicSupervisor. */
export type SupervisorKind = 'static' | 'simple' | 'dynamic';

export function kindOf(sup: Sup): SupervisorKind {
  if (sup.strategy === 'simple_one_for_one') return 'simple';
  return sup.strategy === 'dynamic' ? 'dynamic' : 'static';
}

/** Builds inputs, and remembers for whom each was built: an actor is recognised by the input that it was created with. */
export class TreeBuilder {
  readonly #owners = new WeakMap<object, Owner>();

  /** Whose input is it? Undefined for an actor that is no process of the scenario (a pool, a start action). */
  ownerOf(input: unknown): Owner | undefined {
    if (typeof input !== 'object' || input === null) return undefined;
    const known = this.#owners.get(input);
    if (known !== undefined) return known;
    const { role, path } = input as Partial<WorkerInput>;
    return role === 'worker' && path !== undefined ? { path, kind: 'worker' } : undefined;
  }

  /** A scenario's child below `parent` as our child spec; only what the scenario says is said, so that our defaults are tested too. */
  spec(child: Child, parent: string): ChildSpec {
    const path = `${parent}/${String(child.id)}`;
    const logic =
      child.sup === undefined ? { src: 'worker', input: workerInput(path, child.start, child.stop) } : this.#nested(child.sup, path, child.start);
    return {
      ...(child.id === undefined ? {} : { id: child.id }),
      ...(child.no_start === true ? {} : logic),
      ...given({ restart: child.restart, type: child.type, significant: child.significant, shutdownMs: child.shutdown }),
    } as ChildSpec;
  }

  #nested(sup: Sup, path: string, start: readonly StartAction[] | undefined): { src: string; input: object } {
    const kind = kindOf(sup);
    const input = this.input(sup, path, start);
    this.#owners.set(input, { path, kind, ...template(sup) });
    return { src: kind === 'static' ? 'supervisor' : 'dynamic', input };
  }

  /** The flags of a supervisor as our input. OTP's defaults are said aloud where ours differ. */
  input(sup: Sup, path: string, start: readonly StartAction[] | undefined): object {
    const kind = kindOf(sup);
    const period = sup.period ?? 5;
    const flags = {
      intensity: sup.intensity ?? (kind === 'dynamic' ? 3 : 1),
      periodMs: typeof period === 'number' ? period * 1000 : period,
      ...given({ autoShutdown: sup.auto_shutdown }),
      ...(start === undefined ? {} : { init: { src: 'plan', input: planInput(path, start) } }),
    };
    if (kind === 'dynamic') return { ...flags, ...given({ maxChildren: sup.max_children }) };
    const children = (sup.children ?? []).map((child) => this.spec(child, path));
    if (kind === 'static') return { ...flags, ...given({ strategy: sup.strategy }), children };
    return { ...flags, template: children.length === 1 ? children[0] : children };
  }

  /** One instance of a simple_one_for_one template: its arguments override the template's start and stop. */
  instance(owner: Owner, args: Instance): Partial<ChildSpec> {
    const { start, stop } = { ...owner.template, ...args };
    return { input: workerInput(`${owner.path}/${args.name}`, start, stop) };
  }
}

/** Who an actor is: its path, its kind, and for a simple_one_for_one supervisor its template. */
export interface Owner {
  readonly path: string;
  readonly kind: 'worker' | SupervisorKind;
  readonly template?: Child;
}

/** `args` of a start_child step. */
export interface Instance {
  readonly name: string;
  readonly start?: readonly StartAction[];
  readonly stop?: StopBehaviour;
}

function template(sup: Sup): { template?: Child } {
  const [only] = sup.children ?? [];
  return kindOf(sup) === 'simple' && only !== undefined ? { template: only } : {};
}

/** The owner of the top supervisor. */
export function topOwner(sup: Sup): Owner {
  return { path: 'top', kind: kindOf(sup), ...template(sup) };
}

function workerInput(path: string, start: readonly StartAction[] | undefined, stop: StopBehaviour | undefined): WorkerInput {
  return { role: 'worker', path, ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
}

function planInput(path: string, start: readonly StartAction[]): WorkerInput {
  return { role: 'plan', path, start };
}

/** The fields that a scenario gives, in our words. */
function given(fields: Readonly<Record<string, Json | undefined>>): object {
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, toOurs(value)]])));
}

/** The logics of one scenario's children. A nested supervisor finds the same ones, as deep as the scenario goes. */
export function logicsOf(plans: StartPlans, top: Child, steps: readonly Step[]): Record<string, AnyActorLogic> {
  const added = steps.flatMap((step) => (step.op === 'start_child' && step['child'] !== undefined ? [depthOf(step['child'] as Child)] : []));
  const leaves = { worker: workerLogic(plans), plan: planLogic(plans) };
  // start_child may hang a tree below any supervisor, so the depths add up.
  const depth = depthOf(top) + added.reduce((sum, more) => sum + more, 0);
  let logics: Record<string, AnyActorLogic> = leaves;
  for (let level = 0; level < depth; level++) {
    logics = { ...leaves, supervisor: supervisorMachine.provide({ actors: logics }), dynamic: dynamicSupervisorMachine.provide({ actors: logics }) };
  }
  return logics;
}

/** Levels of supervisors in a child. */
function depthOf(child: Child): number {
  if (child.sup === undefined) return 0;
  return 1 + Math.max(0, ...(child.sup.children ?? []).map((inner) => depthOf(inner)));
}
