/** What must hold of a supervisor, whatever happens to it. */
import type { AnyEventObject } from 'xstate';
import { type ExitReason, isClean } from '../../../machines/supervision/exit.js';
import type { supervisorMachine } from '../../../machines/supervision/supervisor.js';
import type { Claim } from '../model/model.js';
import type { Run } from '../model/run.js';
import { lateness, living, poolOf, tooEarly, untoldStart } from './fake-pool.js';
import { reportClaims } from './report-claims.js';
import { type Book, noteRestarts, restartClaims } from './restart-claims.js';
import { callClaims, callsOf } from './supervisor-calls.js';

export type Supervisor = Run<typeof supervisorMachine>;

const hasEnded = (supervisor: Supervisor): boolean => supervisor.snapshot.status !== 'active';
const books = ({ snapshot }: Supervisor): readonly Book[] =>
  snapshot.context.children.map(({ spec, restarts, attempt }) => ({ id: spec.id, spec, restarts, attempt }));

/** The children that are told to have ended by order, or in a drain. */
function endsTold(events: readonly AnyEventObject[], inDrain: boolean): readonly string[] {
  const types = ['child.stopped', ...(inDrain ? ['child.exited'] : [])];
  return events.filter(({ type }) => types.includes(type)).map(({ id }) => String(id));
}

/** Indices, all known, each above the one before. */
function isRising(places: readonly number[]): boolean {
  return places.every((place, index) => place > (places[index - 1] ?? -1));
}

export const supervisorClaims: Readonly<Record<string, Claim<typeof supervisorMachine>>> = {
  'the pool is never told what it cannot do': (supervisor) => poolOf(supervisor).faults[0],
  ...callClaims(),
  ...restartClaims(books),
  ...reportClaims(),
  'nobody is given longer than allowed': lateness,
  'nobody is killed before its time': tooEarly,
  'what it believes of its children is so': (supervisor) => {
    const { children, mailbox } = supervisor.snapshot.context;
    const waiting = mailbox.flatMap((message) => (message.type === 'child.exited' && message.run > 0 ? [message.id] : []));
    const alive = living(poolOf(supervisor))
      .filter(({ state }) => state !== 'starting' && state !== 'abandoned')
      .map(({ id }) => id);
    const believed = children.filter(({ status, spec }) => status === 'running' && !waiting.includes(spec.id)).map(({ spec }) => spec.id);
    return [...alive].sort().join() === [...believed].sort().join() || hasEnded(supervisor)
      ? undefined
      : `alive: ${alive.join()}; believed: ${believed.join()}`;
  },
  'nobody of the pool survives it': (supervisor) =>
    hasEnded(supervisor) && living(poolOf(supervisor)).length > 0
      ? living(poolOf(supervisor))
          .map(({ id }) => id)
          .join()
      : undefined,
  'who is deleted is gone': (supervisor) => {
    const { emittedNow, snapshot } = supervisor;
    const deleted = emittedNow.filter((event) => event.type === 'call.replied' && (event['result'] as { ok: boolean }).ok);
    const made = callsOf(supervisor).filter(({ type, call }) => type === 'call.deleteChild' && deleted.some((event) => event['call'] === call));
    return made.map((call) => ('id' in call ? call.id : '')).find((id) => snapshot.context.children.some(({ spec }) => spec.id === id));
  },
  'who is significant ends it': (supervisor) => {
    const { autoShutdown, children } = supervisor.before.context;
    const { snapshot } = supervisor;
    if (autoShutdown === 'never' || hasEnded(supervisor) || snapshot.matches('stopping')) return undefined;
    const significant = children.filter(({ spec }) => spec.significant);
    const gone = significant.filter(({ spec }) =>
      supervisor.emittedNow.some((event) => event.type === 'child.exited' && event['id'] === spec.id && event['willRestart'] === false),
    );
    const others = snapshot.context.children.filter(
      ({ spec, status }) => spec.significant && (status !== 'down' || (snapshot.matches('restarting') && snapshot.context.toStart.includes(spec.id))),
    );
    return gone.length > 0 && (autoShutdown === 'anySignificant' || others.length === 0) ? `${gone[0]?.spec.id} ended, and it goes on` : undefined;
  },
  'who is permanent is down only by order, or while others wait': (supervisor) => {
    const { children } = supervisor.snapshot.context;
    if (!supervisor.snapshot.matches('running') || children.some(({ status }) => status === 'restarting')) return undefined;
    const laid = supervisor.notes['laid'] as readonly string[];
    return children.find(({ spec, status }) => spec.restart === 'permanent' && status === 'down' && !laid.includes(spec.id))?.spec.id;
  },
  'nobody comes back against an order': (supervisor) => {
    if (!supervisor.snapshot.matches('restarting') || supervisor.snapshot.context.strategy !== 'oneForOne') return undefined;
    const laid = supervisor.notes['laid'] as readonly string[];
    return living(poolOf(supervisor)).find(({ id, start }) => start === 'pending' && laid.includes(id))?.id;
  },
  'an exit restarts exactly whom OTP restarts': (supervisor) => {
    const { children } = supervisor.before.context;
    for (const event of supervisor.emittedNow.filter(({ type }) => type === 'child.exited')) {
      const { id, reason, willRestart } = event as unknown as { id: string; reason: ExitReason; willRestart: boolean };
      const restart = children.find(({ spec }) => spec.id === id)?.spec.restart ?? 'temporary';
      const wanted = restart === 'permanent' || (restart === 'transient' && !isClean(reason));
      const excuses =
        ['supervisor.gaveUp', 'child.gaveUp'].some((type) => supervisor.emittedNow.some((other) => other.type === type)) ||
        supervisor.notes['drained'] === true;
      if (willRestart && !wanted) return `${id} restarts after ${JSON.stringify(reason)}`;
      if (!willRestart && wanted && !excuses) return `${id} stays down after ${JSON.stringify(reason)}`;
    }
    return undefined;
  },
  'a start that failed starts nobody any more': ({ snapshot }) =>
    snapshot.matches({ starting: 'unwinding' }) ? snapshot.context.toStart[0] : undefined,
  'who is temporary is forgotten when it has ended': ({ snapshot }) =>
    snapshot.matches('running')
      ? snapshot.context.children.find(({ spec, status }) => spec.restart === 'temporary' && status === 'down')?.spec.id
      : undefined,
  'who waits for a restart is not due yet': ({ snapshot, clock }) => {
    if (!snapshot.matches('running')) return undefined;
    return snapshot.context.children.find(({ status, retryAt }) => status === 'restarting' && retryAt !== null && retryAt <= clock.now())?.spec.id;
  },
  'children stop newest first': ({ snapshot }) => {
    if (!snapshot.matches('stopping') && !snapshot.matches({ restarting: 'stoppingSiblings' })) return undefined;
    const order = snapshot.context.children.map(({ spec }) => spec.id).reverse();
    const places = snapshot.context.toStop.map((id) => order.indexOf(id));
    return isRising(places) ? undefined : snapshot.context.toStop.join();
  },
  'children start in order': ({ snapshot }) => {
    if (!snapshot.matches({ starting: 'startingChildren' }) && !snapshot.matches({ restarting: 'startingChildren' })) return undefined;
    const order = snapshot.context.children.map(({ spec }) => spec.id);
    const places = snapshot.context.toStart.map((id) => order.indexOf(id));
    return isRising(places) ? undefined : snapshot.context.toStart.join();
  },
  'one child is ordered to end at a time': (supervisor) => {
    const ordered = living(poolOf(supervisor)).filter(({ state }) => state === 'asked' || state === 'killed');
    return ordered.length > 1 ? ordered.map(({ id }) => id).join() : undefined;
  },
  'every start is told, by what came of it': untoldStart,
  'every start and every end is told once': (supervisor) => {
    const history = poolOf(supervisor).children.filter(({ end, state }) => end !== 'neverStarted' && state !== 'starting' && state !== 'abandoned');
    const { mailbox } = supervisor.snapshot.context;
    for (const id of new Set(poolOf(supervisor).children.map((child) => child.id))) {
      const count = (...types: string[]): number => supervisor.emitted.filter((event) => types.includes(event.type) && event['id'] === id).length;
      const started = history.filter((child) => child.id === id);
      const ended =
        started.filter(({ state }) => state === 'gone').length -
        mailbox.filter((mail) => mail.type === 'child.exited' && mail.id === id && mail.run > 0).length;
      if (count('child.started') !== started.length) return `${id} started ${started.length} times, told ${count('child.started')}`;
      if (count('child.exited', 'child.stopped') !== ended) return `${id} ended ${ended} times, told ${count('child.exited', 'child.stopped')}`;
    }
    return undefined;
  },
  'a drain ends when all have finished who were told to': (supervisor) => {
    const { drainers } = poolOf(supervisor);
    return supervisor.snapshot.matches('draining') && drainers?.every(({ state }) => state === 'gone') === true ? 'it still drains' : undefined;
  },
  'the report names everybody who was stopped, or ended in a drain, in order': (supervisor) => {
    const { notes, snapshot } = supervisor;
    if (!hasEnded(supervisor) || !snapshot.matches('stopped')) return undefined;
    const lines = (snapshot.output as unknown as { children: readonly { id: string }[] }).children.map(({ id }) => id);
    const hasDrained = poolOf(supervisor).drainers !== null;
    // Of the facts of the step in which it began to drain or to stop, the later ones.
    const [from, to] = notes[hasDrained ? 'drainBegan' : 'stopBegan'] as readonly [from: number, to: number];
    const facts = (since: number): readonly unknown[] => endsTold(supervisor.emitted.slice(since), hasDrained);
    const wanted = facts(from);
    const isWhole = lines.join() === wanted.slice(wanted.length - lines.length).join() && lines.length >= facts(to).length;
    const alive = (notes['aliveAtStop'] ?? []) as readonly string[];
    return isWhole && alive.every((id) => lines.includes(id)) ? undefined : `reported ${lines.join()}, stopped ${wanted.join()}`;
  },
};

/** Notes for the claims, after every step. */
export function noteSupervisor(supervisor: Supervisor): void {
  const { notes, snapshot, before } = supervisor;
  noteRestarts(supervisor, books);
  // Who was laid down for good: by a call, by declining, by its budget, or by a start that failed for its caller.
  const laid = (notes['laid'] ??= []) as string[];
  for (const event of supervisor.emittedNow) {
    const ended = callsOf(supervisor).find(({ type, call }) => type === 'call.terminateChild' && call === event['call']);
    if (event.type === 'child.started') laid.splice(0, laid.length, ...laid.filter((id) => id !== event['id']));
    const lays = ['child.declined', 'child.gaveUp', ...(before.matches('startingChild') ? ['child.startFailed'] : [])];
    if (lays.includes(event.type)) laid.push(String(event['id']));
    if (ended === undefined || !('id' in ended) || !(event['result'] as { ok: boolean }).ok) continue;
    laid.push(ended.id);
    // With a restart that is called off, so is that of the group, which waits for it.
    const wasWaiting = before.context.children.some(({ spec, status }) => spec.id === ended.id && status === 'restarting');
    if (wasWaiting) laid.push(...snapshot.context.children.filter(({ status }) => status === 'down').map(({ spec }) => spec.id));
  }
  const span = [supervisor.emittedBefore, supervisor.emitted.length] as const;
  if (poolOf(supervisor).drainers !== null) notes['drainBegan'] ??= span;
  if (snapshot.matches('stopping') || snapshot.matches('stopped')) notes['stopBegan'] ??= span;
  if (snapshot.matches('stopping')) notes['aliveAtStop'] ??= living(poolOf(supervisor)).map(({ id }) => id);
}
