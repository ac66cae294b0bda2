/**
 * The actors of a Live session in its model, as far as the session can see them: a socket that opens and ends once, an uplink that writes answers in
 * their order, calls that answer once.
 */
import { allRows, type CallRow } from '../../../machines/live/calls.js';
import { asksForTurn } from '../../../machines/live/messages.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import type { ConnectionCommand, SessionEvent, UplinkCommand } from '../../../machines/live/session-events.js';
import type { ToolCallInput } from '../../../machines/live/tool-call.js';
import type { Fake, FakeOptions } from '../model/fake.js';
import type { Run } from '../model/run.js';

export type Session = Run<typeof sessionMachine>;

const tell = (fake: Fake, event: SessionEvent): void => fake.ref._parent?.send(event);

// ---- the socket

/** The socket that lives now, if it has not ended. */
export function socket(session: Session): Fake | undefined {
  const fake = session.find('connection');
  return fake?.notes['isOver'] === true ? undefined : fake;
}

export function isSocketOpen(session: Session): boolean {
  return socket(session)?.notes['isOpen'] === true;
}

export function heardBy(fake: Fake): readonly ConnectionCommand[] {
  return fake.received as unknown as readonly ConnectionCommand[];
}

export const connectionDouble: FakeOptions = {
  onStart: (fake, run) => {
    fake.notes['rivals'] = run.of('connection').length - 1;
    tell(fake, { type: 'socket.opening' });
    return undefined;
  },
};

// ---- the uplink

export type Answer = Extract<UplinkCommand, { type: 'uplink.answer' }>;

/** What an uplink knows. */
interface UplinkNotes {
  isOpen: boolean;
  isGated: boolean;
  isEnded: boolean;
  /** Not confirmed yet, oldest first. */
  waiting: Answer[];
  /** Of a call whose answer is with the socket already. */
  handed: number | null;
  /** Does a message wait that asks for a turn? */
  asks: boolean;
  /** Does a message wait that was given past the chart, and that asks for nothing? The session knows nothing of it. */
  hasUntold: boolean;
  /** Does it hold what the conversation begins with, written or not, of which it has not said that it is? */
  hasSeed: boolean;
  /** Of a call that was abandoned, and would have been written at the end. */
  undead: number | undefined;
}

const fresh = (): UplinkNotes => ({
  isOpen: false,
  isGated: false,
  isEnded: false,
  waiting: [],
  handed: null,
  asks: false,
  hasUntold: false,
  hasSeed: false,
  undead: undefined,
});

/** Has it crashed, or has a stranger ended it? */
export function isGone(fake: Fake | undefined): boolean {
  return fake?.status === 'error' || fake?.notes['isGone'] === true;
}

/** Can it write? */
function isWriting(session: Session): boolean {
  const fake = session.find('uplink');
  return isSocketOpen(session) && uplink(session).isOpen && fake !== undefined && !isGone(fake);
}

/** What the uplink knows that lives, or the last that did. */
export function uplink(session: Session): UplinkNotes {
  return (session.fakes.findLast(({ src }) => src === 'uplink')?.notes['is'] ?? fresh()) as UplinkNotes;
}

/** Everything that any uplink was told. */
export function uplinkHeard(session: Session): readonly UplinkCommand[] {
  return session.fakes.filter(({ src }) => src === 'uplink').flatMap(({ received }) => received as unknown as readonly UplinkCommand[]);
}

export const uplinkDouble: FakeOptions = {
  onStart: (fake) => {
    fake.notes['is'] = fresh();
    return undefined;
  },
  onEvent: (fake, event, run) => {
    const is = fake.notes['is'] as UplinkNotes;
    const { isEnded } = is;
    obey(fake, is, event as unknown as UplinkCommand);
    // It writes what it can before it ends.
    const isGone = (key: number | null): boolean => rows(run).some((row) => row.key === key && row.status === 'abandoned');
    if (event.type === 'uplink.end' && !isEnded) is.undead = is.waiting.find(({ key }) => key !== is.handed && isGone(key))?.key ?? undefined;
    return undefined;
  },
};

function obey(fake: Fake, is: UplinkNotes, command: UplinkCommand): void {
  if (command.type === 'uplink.open') is.isOpen = true;
  if (command.type === 'uplink.hold') is.isOpen = false;
  if (command.type === 'uplink.seed') is.hasSeed = true;
  if (command.type === 'uplink.send' && !is.isOpen) is.asks ||= asksForTurn(command.message);
  if (is.asks && (command.type === 'uplink.open' || command.type === 'uplink.hold')) {
    is.asks = command.type === 'uplink.hold';
    tell(fake, { type: 'turn.requested', awaits: true });
  }
  if (command.type === 'uplink.open' && is.hasUntold) {
    is.hasUntold = false;
    tell(fake, { type: 'turn.requested', awaits: false });
  }
  if (command.type === 'uplink.settle') {
    is.isOpen = false;
    tell(fake, { type: 'uplink.settled' });
  }
  if (command.type === 'uplink.gate') is.isGated = command.closed;
  if (command.type === 'uplink.end') is.isEnded = true;
  if (command.type === 'uplink.answer') is.waiting.push(command);
  if (command.type === 'uplink.send' && command.ref !== null) tell(fake, { type: 'uplink.told', fact: { type: 'session.queued', ref: command.ref } });
  if (command.type === 'uplink.withdraw' && !is.isEnded && is.handed !== command.key) {
    const mine = is.waiting.filter(({ key, again }) => (key ?? again ?? null) === command.key);
    is.waiting = is.waiting.filter((answer) => !mine.includes(answer));
    const { key } = command;
    if (mine.some((answer) => answer.final && answer.key !== null)) tell(fake, { type: 'uplink.withdrawn', key });
  }
}

/** The first answer that somebody waits to hear of is written, and all before it. */
export function write(session: Session): number {
  const is = uplink(session);
  const next = nextAnswer(session);
  is.waiting.splice(0, is.waiting.indexOf(next as (typeof is.waiting)[number]) + 1);
  is.handed = null;
  return next?.key ?? next?.again ?? 0;
}

/** The next that somebody waits to hear of: the last answer to a call, for the first time or once more. */
export function nextAnswer(session: Session): Extract<UplinkCommand, { type: 'uplink.answer' }> | undefined {
  return uplink(session).waiting.find(({ key, again, final }) => final && (key ?? again ?? null) !== null);
}

/** The answer that its socket was given is lost with it, and was taken back: nobody gets it. @returns the key of its call */
export function loseHanded(session: Session): number {
  const is = uplink(session);
  const key = is.handed as number;
  is.waiting = is.waiting.filter((answer) => answer.key !== key);
  is.handed = null;
  return key;
}

/** Can it write what a conversation begins with? */
export function canSeed(session: Session): boolean {
  return isWriting(session) && uplink(session).hasSeed;
}

/** The answer that nobody had asked for, while it waits. */
export function unasked(session: Session): CallRow | undefined {
  return rows(session).find((row) => row.unasked && row.status === 'answering');
}

/** It has no room for that answer. @returns the key of its call */
export function refuse(session: Session): number {
  const is = uplink(session);
  const { key } = unasked(session) as CallRow;
  is.waiting = is.waiting.filter((answer) => answer.key !== key);
  return key;
}

/** Can it write an answer that somebody waits to hear of? */
export function canWrite(session: Session): boolean {
  return isWriting(session) && nextAnswer(session) !== undefined;
}

// ---- calls

export function callOf(fake: Fake): ToolCallInput {
  return fake.input as ToolCallInput;
}

/** The actor of the call with that id that lives now. */
export function liveCall(session: Session, id: string): Fake | undefined {
  return session.of('toolCall').findLast((fake) => callOf(fake).id === id);
}

/** Runs it, and has it not given its answer? */
export function canAnswer(session: Session, id: string): boolean {
  const fake = liveCall(session, id);
  return fake?.notes['runs'] === true && fake.notes['answered'] !== true;
}

/** It gives an answer, or a part of one. */
export function answers(session: Session, id: string, answer: { readonly response: object; readonly willContinue?: boolean }): void {
  const fake = liveCall(session, id) as Fake;
  if (answer.willContinue !== true) fake.notes['answered'] = true;
  session.report(fake, { type: 'call.answer', key: callOf(fake).key, ...answer } as never);
}

export const callDouble: FakeOptions = {
  onEvent: (fake, event) => {
    const { type, ...given } = event;
    const { notes } = fake;
    if (type === 'call.run') notes['runs'] = true;
    if (type === 'call.settled' && notes['answered'] !== true) {
      notes['answered'] = true;
      tell(fake, { type: 'call.answer', key: callOf(fake).key, ...given } as never);
    }
    if (type === 'call.progressed' && notes['runs'] === true && notes['answered'] !== true) {
      tell(fake, { type: 'call.answer', key: callOf(fake).key, ...given, willContinue: true } as never);
    }
    return ['call.written', 'call.cancel', 'call.abandon'].includes(type) ? { done: undefined } : undefined;
  },
};

export function rows({ snapshot }: Session): readonly CallRow[] {
  return allRows(snapshot.context.calls);
}

export function rowsBefore({ before }: Session): readonly CallRow[] {
  return allRows(before.context.calls);
}
