/** What must compile, and what must not. Never run: test/types/compile.test.ts has the compiler read it. */
import { fromCallback, fromObservable, fromPromise, fromTransition, setup, type AnyActorRef } from 'xstate';
import { expectTypeOf } from 'vitest';
import {
  defaultTasks,
  dynamicSupervisor,
  errorCodes,
  EspalierError,
  exitWith,
  isClean,
  link,
  monitor,
  orchestrator,
  partitionSupervisor,
  stopDefaultTasks,
  supervisor,
  supervisorHandle,
  supervisorMachine,
  taskSupervisor,
  taskSupervisorHandle,
  type App,
  type ChildSpec,
  type ErrorCode,
  type ExitReason,
  type ExitReport,
  type StartChildResult,
  type SupervisorHandle,
  type StreamOutcome,
  type TaskOutcome,
  type TaskSupervisor,
} from '../../src/index.js';
import { VirtualClock } from '../../src/testing/index.js';

const machine = setup({}).createMachine({});
const actors = {
  machine,
  promise: fromPromise(() => Promise.resolve(1)),
  callback: fromCallback(() => {}),
  transition: fromTransition((n: number) => n, 0),
  observable: fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) })),
  nested: supervisor(),
  tasks: taskSupervisor(),
};

// ---- every logic of XState is a child, and src is a key of actors

orchestrator({
  actors,
  children: [
    { id: 'a', src: 'machine' },
    { id: 'b', src: 'promise' },
    { id: 'c', src: 'nested' },
    { id: 'd', src: 'observable' },
  ],
});
supervisor({
  actors,
  children: [
    { id: 'a', src: 'callback' },
    { id: 'b', src: 'transition' },
  ],
});
dynamicSupervisor({ actors, template: { src: 'machine' } });
partitionSupervisor({ partitions: 2, child: { src: 'machine' }, actors });

// @ts-expect-error `nobody` is no key of actors
orchestrator({ actors, children: [{ id: 'a', src: 'nobody' }] });
// @ts-expect-error `nobody` is no key of actors
supervisor({ actors, children: [{ id: 'a', src: 'nobody' }] });
supervisor({
  actors: { machine },
  children: [
    { id: 'a', src: 'machine' },
    // @ts-expect-error `nobody` is no key of actors
    { id: 'b', src: 'nobody' },
  ],
});
// @ts-expect-error `nobody` is no key of actors
dynamicSupervisor({ actors, template: { src: 'nobody' } });
// @ts-expect-error `nobody` is no key of actors
partitionSupervisor({ partitions: 2, child: { src: 'nobody' }, actors });
// @ts-expect-error the logic itself is no src
supervisor({ actors, children: [{ id: 'a', src: machine }] });
// @ts-expect-error an actor must be logic
supervisor({ actors: { a: () => 1 }, children: [{ id: 'a', src: 'a' }] });

// ---- specs and options

// @ts-expect-error an id is needed
supervisor({ actors, children: [{ src: 'machine' }] });
// @ts-expect-error a src is needed
supervisor({ actors, children: [{ id: 'a' }] });
// @ts-expect-error Erlang's spelling
supervisor({ actors, strategy: 'one_for_one' });
// @ts-expect-error Erlang's spelling
supervisor({ actors, children: [{ id: 'a', src: 'machine', shutdownMs: 'brutal_kill' }] });
// @ts-expect-error not a restart type
supervisor({ actors, children: [{ id: 'a', src: 'machine', restart: 'always' }] });
// @ts-expect-error a typing error in an option
supervisor({ actors, stategy: 'oneForOne' });
// @ts-expect-error a backoff needs all its numbers
supervisor({ actors, children: [{ id: 'a', src: 'machine', backoff: { minMs: 1 } }] });
// @ts-expect-error partitions are needed
partitionSupervisor({ child: { src: 'machine' }, actors });
// @ts-expect-error a dynamic supervisor has no strategy
dynamicSupervisor({ actors, strategy: 'oneForOne' });
// @ts-expect-error a dynamic supervisor has no static children
dynamicSupervisor({ actors, children: [] });
// @ts-expect-error a task supervisor has no children
taskSupervisor({ children: [] });
// @ts-expect-error a spec is read only
(({ id: 'a', src: 'b' }) as ChildSpec).id = 'c';
supervisor({
  actors,
  children: [
    {
      id: 'a',
      src: 'machine',
      restart: 'transient',
      shutdownMs: 'infinity',
      type: 'worker',
      significant: true,
      startMs: 5,
      input: { any: ['json'] },
      backoff: { minMs: 1, maxMs: 2, factor: 2, jitter: 0.5, resetAfterMs: 3, seed: 4 },
      budget: { intensity: 1, periodMs: 2 },
    },
  ],
});

// ---- a supervisor is logic of the app's own machine

setup({ actors: { workers: supervisor({ actors, children: [{ id: 'a', src: 'machine' }] }) } }).createMachine({ invoke: { src: 'workers' } });
setup({ actors: { workers: supervisorMachine } }).createMachine({ invoke: { src: 'workers', input: { strategy: 'oneForAll', children: [] } } });
// @ts-expect-error input of a supervisor is checked
setup({ actors: { workers: supervisorMachine } }).createMachine({ invoke: { src: 'workers', input: { strategy: 'all' } } });

// ---- the handle

declare const app: App;
declare const ref: AnyActorRef;
expectTypeOf(app).toExtend<SupervisorHandle>();
expectTypeOf(orchestrator({ actors }).start({ clock: new VirtualClock() })).toEqualTypeOf<App>();
expectTypeOf(app.stop()).toEqualTypeOf<Promise<ExitReport>>();
expectTypeOf(app.tasks).toEqualTypeOf<TaskSupervisor>();
expectTypeOf(app.child('a')).toEqualTypeOf<AnyActorRef | undefined>();
expectTypeOf(app.startChild({ id: 'a', src: 'b' })).toEqualTypeOf<Promise<StartChildResult>>();
expectTypeOf(supervisorHandle(ref)).toEqualTypeOf<SupervisorHandle>();
app.on('child.restarted', ({ id, cause, attempt }) => {
  expectTypeOf(id).toEqualTypeOf<string>();
  expectTypeOf(cause).toEqualTypeOf<ExitReason | null>();
  expectTypeOf(attempt).toEqualTypeOf<number>();
});
app.on('child.stopped', ({ tookMs, killed }) => {
  expectTypeOf(tookMs).toEqualTypeOf<number>();
  expectTypeOf(killed).toEqualTypeOf<boolean>();
});
app.on('*', (fact) => {
  if (fact.type === 'child.exited') expectTypeOf(fact.reason).toEqualTypeOf<ExitReason>();
});
supervisorHandle(ref).on('children.stopped', ({ ended }) => {
  expectTypeOf(ended[0]?.reason).toEqualTypeOf<ExitReason | undefined>();
});
// @ts-expect-error no such fact
app.on('child.born', () => {});
// @ts-expect-error a reason is not any text
void app.stop({ reason: 'because' });
async function answers(): Promise<void> {
  const started = await app.startChild({ id: 'a', src: 'b' });
  // @ts-expect-error there is a ref only where it is ok
  void started.ref;
  if (started.ok) expectTypeOf(started.ref).toEqualTypeOf<AnyActorRef | null>();
  else expectTypeOf(started.reason).toBeUnknown();
  await using scoped = orchestrator({ actors }).start();
  void scoped;
}
void answers;

// ---- tasks

const tasks = taskSupervisorHandle(ref);
expectTypeOf(tasks.run(() => Promise.resolve(1))).resolves.toExtend<{ ok: true; value: number } | { ok: false; reason: unknown }>();
expectTypeOf(tasks.run(({ signal }) => signal.aborted)).resolves.toExtend<{ ok: boolean }>();
const started = tasks.async(() => 'text');
if (started.ok) {
  expectTypeOf(started.task.outcome).toEqualTypeOf<Promise<TaskOutcome<string>>>();
  expectTypeOf(started.task.yield(5)).toEqualTypeOf<Promise<TaskOutcome<string> | null>>();
} else {
  expectTypeOf(started.reason).toEqualTypeOf<'maxChildren' | 'draining' | 'noproc'>();
}
// @ts-expect-error a promise runs already
void tasks.run(Promise.resolve(1));
// @ts-expect-error a result that is awaited is not restarted
tasks.async(() => 1, { restart: 'permanent' });
// @ts-expect-error a typing error in an option
void tasks.run(() => 1, { deadlineMS: 5 });
// @ts-expect-error whoever runs a task awaits it: it has no owner
void tasks.run(() => 1, { owner: ref });
// @ts-expect-error `infinity` is no time to wait
if (started.ok) void started.task.shutdown('infinity');
// @ts-expect-error a typing error in an option
void tasks.drain({ deadlineMS: 5 });
// @ts-expect-error the outcome must be looked at before its value
void tasks.run(() => 1).then((outcome) => outcome.value);
tasks.start(() => 1, { restart: 'permanent', deadlineMs: 5, name: 'job', trapExit: true, shutdownMs: 'infinity', signal: AbortSignal.abort() });
async function streams(): Promise<void> {
  for await (const outcome of tasks.stream(['a', 'b'], (item) => item.length, { maxConcurrency: 2 }))
    expectTypeOf(outcome).toEqualTypeOf<StreamOutcome<number>>();
  for await (const outcome of tasks.stream(new Set([1]), async (item, { signal }) => (signal.aborted ? '' : String(item))))
    expectTypeOf(outcome).toEqualTypeOf<StreamOutcome<string>>();
  async function* lines() {
    yield 'x';
  }
  for await (const outcome of tasks.stream(lines(), (line) => line)) expectTypeOf(outcome).toEqualTypeOf<StreamOutcome<string>>();
  // @ts-expect-error a number is no iterable
  tasks.stream(7, (item) => item);
}
void streams;
expectTypeOf(defaultTasks()).toEqualTypeOf<TaskSupervisor>();
expectTypeOf(stopDefaultTasks()).toEqualTypeOf<Promise<ExitReport | null>>();

// ---- exits, links, errors

exitWith('normal');
exitWith(['shutdown', { any: 'term' }]);
exitWith({ crash: new Error('x') });
// @ts-expect-error no exit reason
exitWith('done');
// @ts-expect-error noproc is no exit reason of an actor
isClean('noproc');
expectTypeOf(link(ref, ref)).toExtend<{ ok: boolean }>();
expectTypeOf(monitor(ref, ref).demonitor()).toEqualTypeOf<boolean>();
expectTypeOf(errorCodes[0]).toExtend<ErrorCode>();
expectTypeOf(new EspalierError('supervision/unknown-src', { expected: 'a', got: 1 }).code).toEqualTypeOf<ErrorCode>();
// @ts-expect-error the table of codes is closed
void new EspalierError('supervision/anything', { expected: 'a', got: 1 });
