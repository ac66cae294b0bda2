/** Plays the ground floor to its end with one blow, and says what of it is not as it must be. */
import { exit, exitReason } from '../../src/supervision/watch.js';
import { hasStopped } from '../../src/supervision/xstate-internals.js';
import { type Blow, goesOn, Ground, needs } from './ground.js';
import { type Acknowledged, script } from './ground-script.js';

/** What a blow may lead to: all runs again, in order; the application has failed, and says so; it has come to its end in order. */
export type Outcome = 'recovers' | 'fails' | 'stops';

/** Who is the application itself: without one of these there is nobody who could restart anything. */
const own = /^app\/pool(?:\/application(?:\/keeper|\/tree(?:\/pool)?)?)?$/;

export function permitted(path: string): Outcome {
  // Whoever traps exits outlives a killed supervisor until it has ended: the application of a killed root stops in order.
  if (path === 'app') return 'stops';
  return own.test(path) ? 'fails' : 'recovers';
}

export const kill =
  (path: string) =>
  (ground: Ground): void => {
    const actor = ground.find(path);
    if (actor !== undefined) exit(actor, 'kill');
  };

/** How the script ended: the ground, and its problems. */
export async function played(
  blow?: Blow,
  path?: string,
  outcome: Outcome = 'recovers',
): Promise<{ readonly ground: Ground; readonly problems: string[] }> {
  const ground = new Ground(blow, path);
  const acknowledged: Acknowledged = { names: new Map(), events: [], config: null };
  for (const [name, act] of Object.entries(script)) {
    const done = typeof act === 'number' ? undefined : act(ground, acknowledged);
    ground.step(name);
    if (typeof act === 'number') await ground.pass(act);
    else if (done !== undefined) await ground.until(name, done, 10_000);
    else await ground.turns();
  }
  await ground.pass(4_000);
  const wasStruck = ground.hasStruck;
  const problems: string[] = [];
  if (!wasStruck || outcome === 'recovers') problems.push(...(await running(ground, acknowledged, path !== undefined)));
  else if (outcome === 'fails') problems.push(...failed(ground));
  else if (ground.app.status().state !== 'stopped') problems.push(`the application is ${ground.app.status().state}`);
  const ended = ground.app.stop();
  ground.step('it is told to stop');
  await ground.until('the end', ended, 10_000);
  await ground.turns();
  if (wasStruck === ground.hasStruck && outcome !== 'fails') problems.push(...stoppedInOrder(ground));
  if (ground.hasStruck && !wasStruck) problems.push(...struckAtTheEnd(ground, outcome));
  problems.push(...cameInOrder(ground), ...ground.left());
  return { ground, problems: [...ground.faults, ...problems] };
}

/** Everybody runs, nothing acknowledged is lost, and the application says so. */
async function running(ground: Ground, { names, events, config }: Acknowledged, isDurable: boolean): Promise<string[]> {
  const { state, services } = ground.app.status();
  const problems = services.flatMap(({ id, state: its, why }) => (its === 'running' ? [] : [`'${id}' is ${its}: ${why}`]));
  if (state !== 'running') problems.push(`the application is ${state}`);
  for (const id of Object.keys(needs)) {
    const ref = ground.app.service(id);
    if (ref === undefined || exitReason(ref) !== null) problems.push(`'${id}' does not run`);
    if ((id === 'api' || id === 'feed') && ground.registry.whereis(id) !== ref) problems.push(`the name '${id}' is not its actor's`);
  }
  for (const [key, owner] of names)
    if (!hasStopped(owner) && ground.registry.whereis(key) !== owner) problems.push(`the name '${key}' was lost, though its owner lives`);
  if (config !== null && (ground.settings.version < config.version || ground.settings.get('level') !== config.level))
    problems.push(`the configuration is at ${ground.settings.version}, ${ground.settings.get('level')}, not ${config.version}, ${config.level}`);
  for (const { id, store } of events) {
    if (!isDurable && store !== ground.service('events')) continue;
    const found = await ground.until('to find an event', ground.events.find(id), 2_000);
    if (found?.ok !== true || found.event === null) problems.push('an event that was acknowledged is lost');
  }
  problems.push(...cameAgain(ground));
  const health = ground.health.overall();
  if (health !== 'healthy' && !isDurable) problems.push(`health is ${health}`);
  return problems;
}

/** It has ended by itself, and says of what; where the chart itself was killed there is nobody to tell a fact. */
function failed(ground: Ground): string[] {
  const isKilled = (ground.chart?.getSnapshot() as { status?: string } | undefined)?.status === 'stopped';
  const { state, failure, services } = ground.app.status();
  return [
    ...(exitReason(ground.app.ref) === null ? ['it has lost what it needs, and goes on'] : []),
    ...(state === 'failed' ? [] : [`the application is ${state}`]),
    ...(isKilled || ground.happened.some((each) => each.kind === 'fact' && each.type === 'application.failed') ? [] : ['it told no fact of it']),
    ...(failure === null ? ['it does not say of what it failed'] : []),
    ...services.flatMap(({ id, state: its }) => (its === 'stopped' || its === 'failed' ? [] : [`'${id}' is ${its}`])),
  ];
}

function struckAtTheEnd(ground: Ground, outcome: Outcome): string[] {
  const { state } = ground.app.status();
  const wanted = outcome === 'fails' ? ['stopped', 'failed'] : ['stopped'];
  return wanted.includes(state) ? [] : [`at its end the application is ${state}`];
}

/** Nobody goes before those who need it have gone, once it is told to stop. */
function stoppedInOrder({ happened }: Ground): string[] {
  const problems: string[] = [];
  const living = new Set<string>();
  let isStopping = false;
  for (const each of happened) {
    if (each.kind === 'fact') isStopping ||= each.type === 'application.stopping';
    else if (each.kind === 'came') living.add(each.id);
    else {
      living.delete(each.id);
      const left = [...living].filter((id) => needs[id]?.includes(each.id));
      if (isStopping && left.length > 0) problems.push(`'${each.id}' stopped before ${left.join(', ')}`);
    }
  }
  return problems;
}

/** Nobody comes before those whom it needs; whoever goes on without them may come again without them. */
function cameInOrder({ happened }: Ground): string[] {
  const problems: string[] = [];
  const living = new Set<string>();
  const known = new Set<string>();
  for (const each of happened) {
    if (each.kind === 'went') living.delete(each.id);
    if (each.kind !== 'came') continue;
    living.add(each.id);
    const lacked = goesOn.includes(each.id) && known.has(each.id) ? [] : (needs[each.id]?.filter((id) => !living.has(id)) ?? []);
    known.add(each.id);
    if (lacked.length > 0) problems.push(`'${each.id}' came before ${lacked.join(', ')}`);
  }
  return problems;
}

/** Whoever cannot go on without one that has gone came again behind it. */
function cameAgain({ happened }: Ground): string[] {
  const last = new Map([...happened.entries()].flatMap(([at, each]) => (each.kind === 'came' ? [[each.id, at] as const] : [])));
  const restarted = Object.entries(needs).filter(([id]) => !goesOn.includes(id));
  return restarted.flatMap(([id, dependsOn]) =>
    dependsOn.flatMap((need) => ((last.get(id) ?? 0) < (last.get(need) ?? 0) ? [`'${id}' was not started again behind '${need}'`] : [])),
  );
}
