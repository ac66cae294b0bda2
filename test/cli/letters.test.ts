/** Dead letters, kept as a tree runs: how many may wait, and what becomes of one that cannot be stored. */
import { describe, expect, it } from 'vitest';
import { createActor, fromCallback, type InspectionEvent } from 'xstate';
import { Burial } from '../../src/cli/running/letters.js';
import type { DeadLetters } from '../../src/events/dead-letters.js';

const dead = createActor(
  fromCallback(() => {}),
  { id: 'dead' },
)
  .start()
  .stop();
const letter = (event: object): InspectionEvent => ({ type: '@xstate.event', actorRef: dead, event: { type: 'late', ...event } }) as never;

function burialBy(bury: DeadLetters['bury']) {
  const lost: unknown[] = [];
  return { burial: new Burial({ bury } as DeadLetters, (each) => lost.push(each)), lost };
}

describe('the dead letters of a run', () => {
  it('are not even read where too many wait', () => {
    const { burial, lost } = burialBy(() => new Promise(() => {}));
    for (let n = 0; n < 1_000; n++) burial.look(letter({ n }));
    expect(lost).toEqual([]);
    let isRead = false;
    burial.look(letter({ toJSON: () => (isRead = true) }));
    expect(lost).toEqual([{ to: 'dead', why: 'too many wait' }]);
    expect(isRead).toBe(false);
  });

  it('are lost, and said to be, where the store rejects; and wait no longer', async () => {
    const { burial, lost } = burialBy(() => Promise.reject(new Error('no http://db/?token=t-5678')));
    for (let n = 0; n < 1_000; n++) burial.look(letter({ n }));
    await burial.all();
    expect(burial).toMatchObject({ buried: 0, lost: 1_000 });
    burial.look(letter({}));
    await burial.all();
    expect(lost.at(-1)).toEqual({ to: 'dead', why: 'Error: no http://db/?token=[hidden]' });
  });
});
