/** Actors under the model's hand: they do nothing but record, until the model says how they end. */
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyStateMachine, Snapshot } from 'xstate';
import type { Run } from './run.js';

export type AnyRun = Run<AnyStateMachine>;

/** What became of one actor that the machine started. */
export interface Fake {
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
  readonly ref: AnyActorRef;
  /** Every event that the machine sent to it, oldest first. */
  readonly received: AnyEventObject[];
  status: 'running' | 'done' | 'error' | 'stopped';
  /** Free room for the model: how far this one's part has been played. */
  readonly notes: Record<string, unknown>;
}

/** How a fake behaves by itself; all else is the model's doing. */
export interface FakeOptions {
  /** Called when it starts, with the run as it is then: may settle it at once. */
  onStart?(fake: Fake, run: AnyRun): Outcome | undefined;
  /** Called with each event that it is sent. */
  onEvent?(fake: Fake, event: AnyEventObject, run: AnyRun): Outcome | undefined;
}

/** How an actor ends. */
export type Outcome = { readonly done: unknown } | { readonly error: unknown };

/** Passes on which invocation the next fake is made for: XState computes an invocation's input right before it creates the actor. */
export interface Desk {
  invocation: string | undefined;
}

/** The event by which a run tells a fake how it ends. */
export const control = 'fake.control';

/** The run that an actor system belongs to. */
export const runs: WeakMap<object, AnyRun> = new WeakMap();

const logics = new WeakSet<object>();

/** Whether the actor is a fake. */
export function isFake(ref: AnyActorRef): boolean {
  return logics.has((ref as unknown as { logic: object }).logic);
}

interface FakeSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly input: unknown;
  readonly invocation: string | undefined;
}

interface FakeScope {
  readonly self: AnyActorRef;
  readonly system: AnyActorRef['system'];
}

interface FakeLogic {
  getInitialSnapshot(scope: FakeScope, input: unknown): FakeSnapshot;
  start(snapshot: FakeSnapshot, scope: FakeScope): void;
  transition(snapshot: FakeSnapshot, event: AnyEventObject, scope: FakeScope): FakeSnapshot;
  getPersistedSnapshot(snapshot: FakeSnapshot): Snapshot<unknown>;
  restoreSnapshot(snapshot: Snapshot<unknown>): FakeSnapshot;
}

/** Logic for the actor `src`. @param desk  where invocations are announced, if they are */
export function fakeLogic(src: string, options: FakeOptions = {}, desk: Desk = { invocation: undefined }): AnyActorLogic {
  const records = new WeakMap<AnyActorRef, Fake>();
  const logic: FakeLogic = {
    getInitialSnapshot: (_, input) => {
      const { invocation } = desk;
      desk.invocation = undefined;
      return { status: 'active', output: undefined, error: undefined, input, invocation };
    },
    // Only now does it live: an actor invoked and left again within one macrostep is never started.
    start: ({ input }, { self, system }) => {
      const run = runs.get(system);
      if (run === undefined) throw new Error(`fake '${src}' was started outside a run`);
      const fake: Fake = { id: self.id, src, input, ref: self, received: [], status: 'running', notes: {} };
      run.fakes.push(fake);
      run.activity++;
      records.set(self, fake);
      const outcome = run.speakAs(fake, () => options.onStart?.(fake, run));
      if (outcome !== undefined) self.send({ type: control, outcome });
    },
    transition: (snapshot, event, { self, system }) => {
      const fake = records.get(self);
      const run = runs.get(system);
      if (fake === undefined || run === undefined) return snapshot;
      run.activity++;
      if (event.type === 'xstate.stop') {
        fake.status = 'stopped';
        if (snapshot.invocation !== undefined && !run.isEnding) run.probe?.actorEnded?.(snapshot.invocation, 'stopped');
        return { ...snapshot, status: 'stopped' };
      }
      if (event.type === control) return settle(snapshot, fake, run, event['outcome'] as Outcome);
      fake.received.push(event);
      return settle(
        snapshot,
        fake,
        run,
        run.speakAs(fake, () => options.onEvent?.(fake, event, run)),
      );
    },
    getPersistedSnapshot: (snapshot) => snapshot as Snapshot<unknown>,
    restoreSnapshot: (snapshot) => snapshot as FakeSnapshot,
  };
  logics.add(logic);
  return logic;
}

function settle(snapshot: FakeSnapshot, fake: Fake, run: AnyRun, outcome: Outcome | undefined): FakeSnapshot {
  if (outcome === undefined) return snapshot;
  const status = 'done' in outcome ? 'done' : 'error';
  fake.status = status;
  if (snapshot.invocation !== undefined) run.probe?.actorEnded?.(snapshot.invocation, status);
  return 'done' in outcome ? { ...snapshot, status: 'done', output: outcome.done } : { ...snapshot, status: 'error', error: outcome.error };
}
