/**
 * A task supervisor for use as a library, where no application tree is at hand.
 *
 * Started when it is first asked for, once, whoever asks; a root of its own, so it outlives whoever asked first; stopped by the app.
 */
import { createActor, type AnyActorRef } from 'xstate';

import { requireClock, systemClock, type Clock } from './clock.js';
import type { ExitReport } from './exit-report.js';
import { taskSupervisor, TaskSupervisor } from './tasks.js';
import { exitReason } from './watch.js';

let root: AnyActorRef | undefined;

/**
 * The default task supervisor.
 * @param clock  its clock, should it be started by this call; the machine's own by default
 * @throws EspalierError `supervision/invalid-options` for what is no clock
 */
export function defaultTasks(clock: Clock = systemClock): TaskSupervisor {
  requireClock(clock);
  return new TaskSupervisor(() => {
    if (root === undefined || exitReason(root) !== null) root = createActor(taskSupervisor(), { clock, id: 'defaultTasks' }).start();
    return root;
  });
}

/** Stops the default task supervisor and tells who ended how; null when it does not run. The next {@link defaultTasks} starts another. */
export async function stopDefaultTasks(): Promise<ExitReport | null> {
  if (root === undefined || exitReason(root) !== null) return null;
  const running = root;
  root = undefined;
  return new TaskSupervisor(() => running).stop({ reason: 'shutdown' });
}
