/**
 * Promises that a replay makes: where one is rejected there is nobody to take care of it, kept or not, which ends a process. This
 * takes Node; what a replay does without it (src/recording/replay/promises.ts) reaches those that a context keeps.
 */
import { createHook } from 'node:async_hooks';

/**
 * Does something at once, and sees to it that no promise that it has made ends the process: not one that nobody keeps either. What is made later, in a turn that
 * it has ordered, is another matter.
 * @throws what is thrown in it
 */
export function calmly<Value>(todo: () => Value): Value {
  const made: Promise<unknown>[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'PROMISE') made.push(resource as Promise<unknown>);
    },
  }).enable();
  try {
    return todo();
  } finally {
    hook.disable();
    for (const one of made) if (one instanceof Promise) void Promise.prototype.then.call(one, undefined, () => undefined);
  }
}
