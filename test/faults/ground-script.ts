/** What happens on the ground floor, from its start to its end, and what of it was acknowledged. */
import type { AnyActorRef } from 'xstate';
import type { Ground } from './ground.js';

/** What callers were told that is done. */
export interface Acknowledged {
  /** By name, who had it when it was given. */
  readonly names: Map<string, AnyActorRef>;
  /** Ids of events, with the actor of the store that took them. */
  readonly events: { readonly id: string; readonly store: AnyActorRef | undefined }[];
  /** Of the configuration: its version then, and the level. */
  config: { readonly version: number; readonly level: string } | null;
}

type Act = (ground: Ground, acknowledged: Acknowledged) => Promise<unknown> | undefined;

const append: Act = async (ground, acknowledged) => {
  const store = ground.service('events');
  const outcome = await ground.events.append('jobs', [{ type: 'job.done', data: { n: 1 } }]);
  if (outcome.ok) acknowledged.events.push(...outcome.ids.map((id) => ({ id, store })));
};

const update =
  (level: string): Act =>
  async (ground, acknowledged) => {
    // One that never ran has no clock but the runtime's.
    if (!ground.hasCome('settings')) return;
    const outcome = await ground.settings.update('level', level, { waitMs: 2_000 });
    if (outcome.ok) acknowledged.config = { version: outcome.version, level };
  };

const register =
  (key: string, id: string, follow: boolean): Act =>
  (ground, acknowledged) => {
    const owner = ground.service(id);
    if (owner !== undefined && ground.registry.register(key, owner, { follow }).ok) acknowledged.names.set(key, owner);
    return undefined;
  };

/** Each by its name; a number: so many ms pass. What an act promises settles within ten seconds of it. */
export const script: Readonly<Record<string, Act | number>> = {
  'all run': ({ app }) => app.whenReady({ deadlineMs: 9_000 }),
  'a name is given': register('main', 'api', false),
  'a name that follows is given': register('seat', 'feed', true),
  'a name is waited for': (ground, acknowledged) => {
    const found = ground.registry.waitFor('late', { deadlineMs: 1_000 });
    void register('late', 'feed', false)(ground, acknowledged);
    return found;
  },
  'the configuration is updated': update('debug'),
  'events are appended': append,
  'events are read': ({ events }) => events.read({ stream: 'jobs' }),
  'a document is saved': ({ events }) => events.save('letters', { n: 1 }),
  'a probe is asked': ({ health }) => {
    health.checkNow('events');
    return undefined;
  },
  'a job runs': ({ work }) => work.run({ module: 'file:///work.js', input: 1 }, { deadlineMs: 1_000 }),
  'a permit is held': ({ clock, models }) =>
    models.run('any', () => new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 20)), { waitMs: 1_000 }),
  'probes come and go': 2_500,
  'the store is restarted': ({ app }) => app.restartService('events', { deadlineMs: 9_000 }),
  'events are appended again': append,
  'the configuration is updated again': update('warn'),
  'the gate is restarted': ({ app }) => app.restartService('models', { deadlineMs: 9_000 }),
  'the last events are appended': append,
};
