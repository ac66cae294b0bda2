/**
 * The socket of a Live session in its model, as far as it has been played, and what it was told: `connection` opens once, confirms each receipt once,
 * is silent after its end, and writes nothing before it is open.
 */
import type { ConnectionCommand, Receipt, SessionEvent, sessionMachine } from '../../../machines/live/session.js';
import type { Fake, FakeOptions } from '../model/fake.js';
import type { Run } from '../model/run.js';

export type Session = Run<typeof sessionMachine>;

export function socket(session: Session): Fake | undefined {
  const fake = session.find('connection');
  return fake?.notes['gone'] === true ? undefined : fake;
}

export function isSocketOpen(session: Session): boolean {
  return socket(session)?.notes['open'] === true;
}

export function commands(fake: Fake): readonly ConnectionCommand[] {
  return fake.received as unknown as readonly ConnectionCommand[];
}

/** What it was told while it was open. */
export function wire(fake: Fake): readonly ConnectionCommand[] {
  return commands(fake).slice(Number(fake.notes['heardBefore'] ?? Infinity));
}

/** Receipts that the socket still owes, oldest first. */
export function owed(session: Session): readonly Receipt[] {
  const fake = socket(session);
  if (fake === undefined) return [];
  const receipts = commands(fake).flatMap((command) => (command.type === 'connection.send' && command.receipt !== null ? [command.receipt] : []));
  return receipts.slice(Number(fake.notes['confirmed'] ?? 0));
}

/** It says that it has begun; as long as it is not open it refuses at once. */
export const connectionFake: FakeOptions = {
  onStart: (fake) => {
    fake.ref._parent?.send({ type: 'socket.opening' });
    return undefined;
  },
  onEvent: (fake, event) => {
    const { receipt } = event as { receipt?: Receipt | null };
    if (fake.notes['open'] === true || receipt === null || receipt === undefined) return undefined;
    fake.notes['confirmed'] = Number(fake.notes['confirmed'] ?? 0) + 1;
    fake.ref._parent?.send({ type: 'socket.unsent', receipt, reason: 'closing' });
    return undefined;
  },
};

/** The oldest receipt that it owes, from now on confirmed. */
export function confirm(session: Session): Receipt {
  const [receipt] = owed(session);
  const fake = socket(session) as Fake;
  fake.notes['confirmed'] = Number(fake.notes['confirmed'] ?? 0) + 1;
  session.notes['receipt'] = receipt;
  return receipt as Receipt;
}

export function socketEnds(session: Session, event: SessionEvent): void {
  (socket(session) as Fake).notes['gone'] = true;
  session.report('connection', event);
}

/** Answers to calls that the socket was told to write, oldest first. */
export function answers(session: Session): readonly Extract<ConnectionCommand, { type: 'connection.send' }>[] {
  return session.fakes
    .filter(({ src }) => src === 'connection')
    .flatMap((fake) => wire(fake))
    .flatMap((command) => (command.type === 'connection.send' && 'toolResponse' in command.message ? [command] : []));
}
