/**
 * Which process runs the tree of a store: one at a time. Who holds it says so in the store itself, and is believed while its process lives; its number is the
 * token with which the tree is saved, so that one who was taken for dead saves nothing over his successor.
 */
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { EspalierError } from '../../errors.js';
import type { EventStore, Fence } from '../../events/port.js';

/** Where it stands, and the name of its fence. */
const key = '$run';
/** Two boots are never so close, and clocks are seldom set by more, ms. */
const sameBootMs = 60_000;

interface Holder {
  readonly pid: number;
  /** When its process began, in its machine's own count; none where that is not known. In a container that is started again its `pid` may be another's. */
  readonly began?: string;
  readonly host: string;
  /** When its machine was started, ms since the epoch: after that its `pid` is another's. */
  readonly bootAt: number;
  /** Ms since the epoch. */
  readonly sinceAt: number;
}

/** What is asked of the machine. */
export interface Machine {
  readonly pid: number;
  readonly host: string;
  readonly bootAt: number;
  now(): number;
  /** Does that process run here? */
  isAlive(pid: number): boolean;
  /** When that process began, in a count of this machine's that does not go on over a boot; undefined where it does not say. */
  beganAt(pid: number): string | undefined;
}

export interface Hold {
  readonly fence: Fence;
  /** Lets it go, if it is still held. Never rejects. */
  release(): Promise<void>;
}

/**
 * Takes hold of a store, or of one whose holder is gone: of a kill -9, of a machine that was started anew.
 * @throws EspalierError `application/in-use`, with the pid of the other and since when; `events/invalid-file` where the store cannot be written
 */
export async function takeHold(store: Pick<EventStore, 'load' | 'save' | 'remove'>, machine: Machine = thisMachine()): Promise<Hold> {
  const { pid, host, bootAt } = machine;
  const found = await store.load(key);
  if (!found.ok) throw unwritable(found.reason);
  const held = found.document?.value as unknown as Holder | undefined;
  if (held !== undefined && isHeld(held, machine)) throw inUse(held);
  const began = machine.beganAt(pid);
  const own: Holder = { pid, ...(began === undefined ? {} : { began }), host, bootAt, sinceAt: machine.now() };
  const saved = await store.save(key, own, { expected: found.document?.revision ?? 0 });
  // Another one was faster: it says who.
  if (!saved.ok && saved.reason === 'conflict') return takeHold(store, machine);
  if (!saved.ok) throw unwritable(saved.reason);
  const { revision } = saved;
  return {
    fence: { name: key, token: revision },
    release: async () => void (await store.remove(key, { expected: revision })),
  };
}

/** Of another machine nobody here can say whether he lives: the fence keeps him out. */
function isHeld({ bootAt, host, pid, began }: Holder, machine: Machine): boolean {
  if (host !== machine.host || Math.abs(bootAt - machine.bootAt) >= sameBootMs || pid === machine.pid || !machine.isAlive(pid)) return false;
  const present = began === undefined ? undefined : machine.beganAt(pid);
  // Where one of both is not known, the pid alone is believed.
  return present === undefined || present === began;
}

function inUse({ pid, sinceAt }: Holder): EspalierError {
  const got = `process ${pid}, since ${new Date(sinceAt).toISOString()}`;
  return new EspalierError('application/in-use', { expected: 'a store that no other process runs a tree of', got });
}

function unwritable(reason: string): EspalierError {
  return new EspalierError('events/invalid-file', { expected: 'a store that can be read and written', got: reason });
}

function thisMachine(): Machine {
  const now = (): number => Date.now();
  return { pid: process.pid, host: hostname(), bootAt: Math.round(now() - uptime() * 1_000), now, isAlive, beganAt };
}

/** In ticks since the boot, as Linux says. */
function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name of the program in parentheses, and may hold any character: what follows begins with the third, the state.
    return stat
      .slice(stat.lastIndexOf(')') + 1)
      .trim()
      .split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and is another user's.
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
