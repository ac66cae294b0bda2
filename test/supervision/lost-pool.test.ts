import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { dynamicSupervisor, exit, exitReason, supervisor, taskSupervisor } from '../../src/index.js';
import { stage, worker } from './stage.js';

const pool = (ref: AnyActorRef): AnyActorRef => (ref.getSnapshot() as { children: Record<string, AnyActorRef> }).children['pool'] as AnyActorRef;

describe('a supervisor whose pool is killed', () => {
  it.each([
    ['supervisor', supervisor({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] })],
    ['dynamic supervisor', dynamicSupervisor({ actors: { worker: worker() } })],
    ['task supervisor', taskSupervisor()],
  ])('ends with it, and is restarted: %s', async (_, logic) => {
    const app = stage().app({ actors: { below: logic }, children: [{ id: 'below', src: 'below' }] });
    await app.started();
    const first = app.child('below') as AnyActorRef;
    exit(pool(first), 'kill');
    expect(exitReason(first)).toBe('killed');
    const second = app.child('below') as AnyActorRef;
    expect(second).not.toBe(first);
    expect(exitReason(second)).toBeNull();
  });

  it('ends as the root, too', async () => {
    const app = stage().app({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    await app.started();
    exit(pool(app.ref), 'kill');
    expect((await app.ended()).reason).toBe('killed');
  });
});
