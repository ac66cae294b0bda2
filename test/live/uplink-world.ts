/** An uplink on a socket that does what a test says, and what it told its session. */
import { Uplink, type UplinkLimits } from '../../src/live/uplink.js';
import type { ClientSocket } from '../../src/live/socket.js';
import type { SchedulingPlace } from '../../src/wire/gemini/live.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A socket of which a test says how much it holds, when it confirms, and what it refuses. */
export class FakeSocket implements ClientSocket {
  /** What it took, as JSON. */
  readonly wire: unknown[] = [];
  /** Confirms, or refuses, what it took and has not said of yet; oldest first. */
  readonly unsaid: ((ok: boolean) => void)[] = [];
  /** Takes nothing more, and says so at once. */
  isClosing = false;
  heldBytes = 0;
  /** What it throws instead of taking anything, against its contract. */
  fault: Error | null = null;

  send(text: string, written: (ok: boolean) => void): void {
    if (this.fault !== null) throw this.fault;
    if (this.isClosing) return written(false);
    this.wire.push(JSON.parse(text));
    this.unsaid.push(written);
  }

  /** Says of all that it took that it is written. */
  confirm(ok = true): void {
    for (const written of this.unsaid.splice(0)) written(ok);
  }

  bufferedAmount(): number {
    return this.heldBytes;
  }

  pause(): boolean {
    return true;
  }

  resume(): void {}
  close(): void {}
  terminate(): void {}
}

/** A world with an uplink; `online: true` begins with an open socket. */
export function uplinkWorld({
  online = true,
  schedulingPlace = 'sibling',
  ...limits
}: Partial<UplinkLimits> & { online?: boolean; schedulingPlace?: SchedulingPlace } = {}) {
  const clock = new VirtualClock();
  const told: object[] = [];
  /** One for each time that messages which waited were written; and whether any of those asks for a turn. */
  const writes: number[] = [];
  const asked: boolean[] = [];
  const uplink = new Uplink({
    limits: { maxAudio: 3, maxContent: 2, maxBytes: 10_000, highWaterBytes: 100, ...limits },
    clock,
    schedulingPlace,
    tell: (news) => told.push(news),
    written: (asks) => {
      asked.push(asks);
      writes.push(writes.length + 1);
    },
    idOf: (key) => `call-${key}`,
  });
  /** A new socket, open and set up. */
  const connect = (): FakeSocket => {
    const socket = new FakeSocket();
    uplink.attach(socket);
    uplink.obey({ type: 'uplink.open' });
    return socket;
  };
  return { clock, told, writes, asked, uplink, connect, socket: online ? connect() : new FakeSocket() };
}

export const audio = (n: number) => ({ realtimeInput: { audio: { data: String(n) } } });
export const text = (n: number) => ({ clientContent: { turns: [n] } });
export const answer = (key: number, rest: { final?: boolean } = {}) =>
  ({ type: 'uplink.answer', key, final: true, message: { toolResponse: { key } }, ...rest }) as const;
