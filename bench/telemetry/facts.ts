/** What an app that is watched pays for each fact: an actor that emits, alone, with a listener, and instrumented. */
import { createActor, emit, setup } from 'xstate';
import { instrument } from '../../src/instrumentation/instrument.js';
import { Stopwatch } from '../stopwatch.js';

/** As a gate is: its facts are in the table of events. */
const emitter = setup({
  types: { events: {} as { type: 'go' }, emitted: {} as { type: 'gate.waited'; key: string; waitedMs: number } },
}).createMachine({ id: 'gate', on: { go: { actions: emit({ type: 'gate.waited', key: 'model', waitedMs: 3 }) } } });

export const watchers = {
  nobody: () => () => 0,
  'a listener': (actor) => {
    const counts = new Map<string, number>();
    actor.on('*', ({ type }) => void counts.set(type, (counts.get(type) ?? 0) + 1));
    return () => counts.get('gate.waited') ?? 0;
  },
  instrumented: (actor) => {
    const { metrics } = instrument({ actor });
    return () => metrics.valueOf('espalier.facts', { fact: 'gate.waited' });
  },
} satisfies Readonly<Record<string, (actor: ReturnType<typeof createActor<typeof emitter>>) => () => number>>;

/** @returns ns for each event that has the actor emit one fact */
export function facts(watcher: keyof typeof watchers, count: number): number {
  const actor = createActor(emitter);
  const heard = watchers[watcher](actor);
  actor.start();
  const watch = new Stopwatch();
  for (let n = 0; n < count; n++) actor.send({ type: 'go' });
  const ns = (watch.read() * 1_000_000) / count;
  const told = heard();
  actor.stop();
  if (watcher !== 'nobody' && told !== count) throw new Error(`expected all ${count} facts to be counted, got: ${told}`);
  return ns;
}
