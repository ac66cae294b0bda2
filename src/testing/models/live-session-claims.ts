/** What must hold of a Live session after everything that happens to it. */
import type { AnyEventObject } from 'xstate';
import { actorOf, type CallRow, isOpen, type JsonObject } from '../../../machines/live/calls.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import { declineStart, type ExitReason, exitWith, failStart } from '../../../machines/supervision/exit.js';
import type { Fake } from '../model/fake.js';
import type { Model } from '../model/model.js';
import { callOf, heardBy, isGone, isSocketOpen, rows, rowsBefore, type Session, socket, uplink, uplinkHeard } from './live-session-doubles.js';
import { inputOf, isReady, isToBeSeeded, ledger, phase } from './live-session-ledger.js';
import { replaced } from './live-session-messages.js';
import { permitFault } from './live-session-permit.js';

const hasEnded = ({ snapshot }: Session): boolean => snapshot.status !== 'active';
const told = (session: Session, ...types: readonly string[]): readonly AnyEventObject[] => session.emitted.filter(({ type }) => types.includes(type));
const region = ({ snapshot }: Session, name: string): unknown => (snapshot.value as { open?: Record<string, unknown> }).open?.[name];
const isBlocking = (row: CallRow): boolean => row.blocking && isOpen(row);

/** How many answers the app gave to a call with that id of which this process had not heard, and for which there was room. */
function answeredUnasked(session: Session, id: string): number {
  const given = uplinkHeard(session).filter((command) => {
    if (command.type !== 'uplink.answer' || command.unasked !== true) return false;
    return (command.message as { toolResponse: { functionResponses: { id: string }[] } }).toolResponse.functionResponses[0]?.id === id;
  });
  return given.length - told(session, 'tool.rejected').filter((fact) => fact['id'] === id && fact['reason'] === 'full').length;
}

/** What a call's actor has heard of its end. */
const endsOf = (fake: Fake): readonly string[] =>
  fake.received.map(({ type }) => type).filter((type) => ['call.written', 'call.cancel', 'call.abandon'].includes(type));

const endOf: Readonly<Record<string, string>> = { answered: 'call.written', cancelled: 'call.cancel', abandoned: 'call.abandon' };

export const claims: Model<typeof sessionMachine>['invariants'] = {
  'every call ends once: answered, cancelled or abandoned': (session) => {
    for (const id of new Set(told(session, 'tool.called').map((fact) => String(fact['id'])))) {
      const begun = told(session, 'tool.called').filter((fact) => fact['id'] === id).length + answeredUnasked(session, id);
      const ended = told(session, 'tool.answered', 'tool.cancelled', 'tool.abandoned').filter((fact) => fact['id'] === id).length;
      const known = rows(session).filter((row) => row.id === id);
      const open = known.filter(isOpen).length;
      // Twice only while the answer to the former is being written, though its call was taken back.
      const isTwice = known.slice(0, -1).some(({ status }) => status !== 'answering');
      if (known.length === 0 || isTwice) return `call ${id} is remembered ${known.length} times`;
      if (begun !== ended + open) return `of ${begun} calls ${id}, ${open} are open, and ${ended} were told to end`;
    }
    return hasEnded(session) && rows(session).some(isOpen) ? 'a call is open after the end' : undefined;
  },
  'every open call of this process has an actor, and nobody else has one': (session) => {
    const actors = session.of('toolCall').map(({ id }) => id);
    const wanted = rows(session)
      .filter((row) => isOpen(row) && !row.unasked)
      .map(actorOf);
    if (actors.sort().join() !== wanted.sort().join()) return `running: ${actors.join()}, open: ${wanted.join()}`;
    const children = Object.keys(session.snapshot.children).filter((id) => !['uplink', 'tools', 'connection', 'permit', ...wanted].includes(id));
    return hasEnded(session) || children.length === 0 ? undefined : `still its children: ${children.join()}`;
  },
  'an actor knows its call, runs it once, and only when the setup is accepted': (session) => {
    for (const fake of session.of('toolCall')) {
      const { key, id, name, args, blocking, deadlineMs } = callOf(fake);
      const row = rows(session).find((one) => one.key === key);
      const { toolDeadlines, toolMs } = inputOf(session);
      // By what was declared when it came: the app's replacement declares no tools.
      const isFresh = !rowsBefore(session).some((one) => one.key === key);
      const isFree = !ledger(session).amended && name === 'later';
      if (row?.id !== id || row.name !== name || JSON.stringify(row.args) !== JSON.stringify(args)) return `it knows another call than ${key}`;
      if (row.blocking !== blocking || (isFresh && blocking === isFree)) return `${name} ${blocking ? 'blocks' : 'does not block'}`;
      if (deadlineMs !== (toolDeadlines[name] ?? toolMs)) return `${name} has ${deadlineMs} ms`;
      const runs = fake.received.filter(({ type }) => type === 'call.run').length;
      if (runs !== (row.status === 'pending' || (row.status === 'answering' && fake.notes['runs'] !== true) ? 0 : 1))
        return `${row.status}, it ran ${runs} times`;
      const begins = row.status === 'running' && !rowsBefore(session).some((one) => one.key === key && one.status === 'running');
      if (begins && !isReady(phase(session))) return `${id} runs though the setup is not accepted`;
      if (row.status === 'pending' && isReady(phase(session))) return `${id} waits though the setup is accepted`;
      if (row.status !== 'answering' && phase(session) === 'closing') return `${id} is ${row.status} while it closes`;
    }
    return undefined;
  },
  'an actor hears of its end, once, and which it is': (session) => {
    for (const row of rows(session)) {
      const fake = session.fakes.findLast(({ src, input }) => src === 'toolCall' && (input as { key: number }).key === row.key);
      const ends = fake === undefined ? [] : endsOf(fake);
      const wanted = isOpen(row) || fake === undefined || row.reason === 'restored' || ledger(session).restored > 0 ? [] : [endOf[row.status]];
      if (ledger(session).restored === 0 && ends.join() !== wanted.join()) return `${row.id} is ${row.status}, its actor heard: ${ends.join()}`;
      if (ends.includes('call.abandon') && fake?.received.at(-1)?.['reason'] !== row.reason) return `${row.id} was abandoned for another reason`;
    }
    const forgotten = session.fakes.filter(
      ({ src, input }) => src === 'toolCall' && !rows(session).some(({ key }) => key === (input as { key: number }).key),
    );
    const deaf = forgotten.find((fake) => ledger(session).restored === 0 && endsOf(fake).length !== 1);
    return deaf === undefined ? undefined : `call ${callOf(deaf).key}, which is not remembered, heard: ${endsOf(deaf).join()}`;
  },
  'nothing of a call that has ended is on its way': (session) => {
    const ended = rowsBefore(session).filter((row) => !isOpen(row));
    const heard = Number(session.notes['heard'] ?? 0);
    const late = uplinkHeard(session)
      .slice(heard)
      .find((command) => command.type === 'uplink.answer' && ended.some(({ key }) => key === command.key));
    if (late !== undefined) return `an answer of a call that has ended: ${JSON.stringify(late)}`;
    if (uplink(session).undead !== undefined) return `an answer to call ${uplink(session).undead} goes out after it was abandoned`;
    if (hasEnded(session)) return undefined;
    const isRemembered = (key: number): boolean => rows(session).some((row) => row.key === key && row.status === 'answered' && row.answer !== null);
    const stale = uplink(session).waiting.find(({ again }) => again !== undefined && !isRemembered(again));
    if (stale !== undefined && phase(session) !== 'closing') return `an answer to call ${stale.again} is to be written once more`;
    const waiting = uplink(session).waiting.filter(({ key }) => key !== null);
    const left = waiting.find(({ key }) => !rows(session).some((row) => row.key === key && isOpen(row)));
    if (left !== undefined) return `an answer is left of call ${left.key}`;
    const lost = rows(session).find((row) => row.status === 'answering' && !waiting.some(({ key, final }) => final && key === row.key));
    return lost === undefined ? undefined : `the answer to ${lost.id} is nowhere`;
  },
  'the uplink is asked for the last of a socket only where one is announced to end': (session) => {
    const asked = uplinkHeard(session)
      .slice(Number(session.notes['heard'] ?? 0))
      .some(({ type }) => type === 'uplink.settle');
    return asked && ledger(session).goAway === null ? 'it was asked' : undefined;
  },
  'the uplink is open exactly while it is ready, and has ended with the conversation': (session) => {
    if (session.find('uplink') === undefined) return undefined;
    const { isOpen: open, isEnded } = uplink(session);
    const at = phase(session);
    if (isEnded !== (at === 'closing')) return `${at}, it has ${isEnded ? '' : 'not '}ended`;
    return open === (isReady(at) || at === 'closing') ? undefined : `${at}, it is ${open ? 'open' : 'held'}`;
  },
  'an uplink that lives is told of the end before it is told': ({ fakes, snapshot }) => {
    const last = fakes.findLast(({ src }) => src === 'uplink');
    if (snapshot.status === 'active' || last === undefined || isGone(last)) return undefined;
    return last.received.some(({ type }) => type === 'uplink.end') ? undefined : 'it was not';
  },
  'the microphone is gated exactly while the model waits for a call, and everybody is told': (session) => {
    const isGated = inputOf(session).gatesAudio && rows(session).some(isBlocking);
    if (!hasEnded(session) && region(session, 'microphone') !== (isGated ? 'gated' : 'open')) return `it is ${String(region(session, 'microphone'))}`;
    const facts = told(session, 'session.gated').map((fact) => fact['closed']);
    if ((facts.at(-1) ?? false) !== isGated || facts.some((closed, index) => closed === facts[index - 1])) return `told: ${facts.join()}`;
    const last = session.fakes.findLast(({ src }) => src === 'uplink');
    return isGone(last) || uplink(session).isGated === isGated ? undefined : `the uplink is ${isGated ? 'open' : 'gated'}`;
  },
  'tools are called exactly while a call is open': (session) =>
    hasEnded(session) || region(session, 'tools') === (rows(session).some((row) => isOpen(row) && !row.unasked) ? 'called' : 'idle')
      ? undefined
      : String(region(session, 'tools')),
  'it has one permit for all its life, where it is behind a gate': permitFault,
  'there is one socket at a time, and none between two': (session) => {
    const rival = session.fakes.find(({ src, notes }) => src === 'connection' && notes['rivals'] !== 0);
    if (rival !== undefined) return 'a socket began beside another';
    const count = session.of('connection').length;
    return count === (hasEnded(session) || ['atGate', 'backingOff'].includes(phase(session)) ? 0 : 1)
      ? undefined
      : `${count} sockets while it is ${phase(session)}`;
  },
  'a socket hears the setup once it is open, then the close, and nothing after that': (session) => {
    for (const fake of session.fakes.filter(({ src }) => src === 'connection')) {
      const heard = heardBy(fake).map(({ type }) => type.slice('connection.'.length));
      const wanted = [...(fake.notes['isOpen'] === true ? ['setup'] : []), ...(heard.at(-1) === 'close' ? ['close'] : [])];
      if (heard.filter((what) => what !== 'lane').join() !== wanted.join()) return `heard: ${heard.join()}`;
      const isLeft = ['rotating', 'closing'].includes(phase(session));
      if (fake.status === 'running' && heard.includes('close') !== isLeft) return `${phase(session)}, it heard: ${heard.join()}`;
    }
    return undefined;
  },
  'a handle is kept only while it is the last good one, and a setup bears it': (session) => {
    const { handle, asked, isAmended } = ledger(session);
    if (session.snapshot.context.handle !== handle) return `it is ${session.snapshot.context.handle}, not ${handle}`;
    if (phase(session) !== 'settingUp') return undefined;
    const first = heardBy(session.find('connection') as Fake).find(({ type }) => type === 'connection.setup');
    if (first?.type !== 'connection.setup') return 'there was none';
    const { sessionResumption, ...setup } = (first.message as { setup: JsonObject }).setup;
    const isSeeded = asked === null || isToBeSeeded(session);
    const historyConfig = isSeeded ? {} : { historyConfig: { initialHistoryInClientContent: false } };
    const wanted = [{ model: 'm', ...(isAmended ? replaced : {}), ...historyConfig }, asked === null ? {} : { handle: asked }];
    return JSON.stringify([setup, sessionResumption]) === JSON.stringify(wanted) ? undefined : `asked: ${JSON.stringify(first.message)}`;
  },
  'data passes beside it exactly while the model generates': (session) => {
    if (!isSocketOpen(session)) return undefined;
    const lane = heardBy(socket(session) as Fake).findLast(({ type }) => type === 'connection.lane');
    const isLaneOpen = lane?.type === 'connection.lane' && lane.open;
    return isLaneOpen === (phase(session) === 'generating') ? undefined : `${phase(session)}, it is ${isLaneOpen ? 'open' : 'closed'}`;
  },
  'a goAway is announced until the next socket': (session) =>
    hasEnded(session) || region(session, 'rotation') === (ledger(session).goAway === null ? 'steady' : 'announced')
      ? undefined
      : String(region(session, 'rotation')),
  'it accepts exactly while ready, and is starting until it has been': (session) => {
    if (hasEnded(session)) return undefined;
    const { snapshot } = session;
    if (snapshot.hasTag('accepting') !== isReady(phase(session))) return 'accepting';
    return snapshot.hasTag('starting') === !ledger(session).wasReady ? undefined : 'starting';
  },
  'every wait has its deadline, and no other': (session) => {
    if (hasEnded(session)) return undefined;
    const waits = ['connecting', 'settingUp', 'rotating', 'closing', 'backingOff'].includes(phase(session)) ? 1 : 0;
    const wanted = waits + (typeof ledger(session).goAway?.by === 'number' ? 1 : 0);
    return session.clock.pending() === wanted ? undefined : `${session.clock.pending()} deadlines are set, not ${wanted}`;
  },
  'the end is told once and last, as closed or as failed, and matches the output': (session) => {
    const ends = told(session, 'session.closed', 'session.failed');
    if (ends.length !== (hasEnded(session) ? 1 : 0)) return `told ${ends.length} ends`;
    if (!hasEnded(session)) return undefined;
    if (session.emitted.at(-1) !== ends[0]) return 'something was told after it';
    const { end, failure } = session.snapshot.output as unknown as { end: object | null; failure: object | null };
    if ((end === null) === (failure === null)) return 'neither or both of end and failure';
    const { type: _, ...said } = ends[0] as AnyEventObject;
    return JSON.stringify(said) === JSON.stringify(failure ?? end) ? undefined : `told ${JSON.stringify(said)}`;
  },
  'it exits as its end and its orders say': (session) => {
    if (!hasEnded(session)) return undefined;
    const { output, context } = session.snapshot;
    const { wasReady, exit } = ledger(session);
    const orderly = exit === null && !wasReady ? declineStart() : exitWith((exit ?? 'normal') as ExitReason);
    const broken = wasReady ? exitWith({ crash: context.failure }) : failStart(context.failure);
    const { end: _end, failure: _failure, ...got } = output as unknown as { end: unknown; failure: unknown };
    const wanted = context.failure === null ? orderly : broken;
    return JSON.stringify(got) === JSON.stringify(wanted) ? undefined : `exits ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`;
  },
};
