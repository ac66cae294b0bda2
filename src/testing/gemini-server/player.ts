/**
 * Plays a script on one connection after another. A step that fails ends the script with a value that names the step; nothing is thrown.
 */
import type { Connection, ReceivedMessage } from './connection.js';
import { closeReason } from './connection.js';
import { contains } from './contains.js';
import type { Rebuff } from './door.js';
import type { Sending } from './outlet.js';
import { frameOf, handleIn, messagesOf, type OutgoingFrame } from './server-messages.js';
import { type Step, verbOf } from './steps.js';
import type { Waited, Waits } from './waits.js';

/** How a script ended: `step` is its place from 0, `reason` is for people. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly step: number; readonly reason: string };

/** What a player stands on. */
export interface Stage {
  readonly waits: Waits;
  /** The next connection that nobody plays on, if there is one. */
  nextConnection(): Connection | undefined;
  /** Refuses the next handshake; false when there is none. */
  refuse(how: Rebuff): boolean;
  /** A connection is about to give a handle to resume with. */
  giveHandle(handle: string, by: Connection): void;
  /** Whether the next frame is a binary one. */
  nextFrameIsBinary(): boolean;
  /** Deadline of a step that names none, and of waiting for a connection; ms. */
  readonly deadlineMs: number;
  readonly acceptMs: number;
}

/** Why a step failed; null when it did not. */
type Failure = string | null;

/** Steps by their verb. */
type StepOf<Name extends string> = Extract<Step, { readonly [Key in Name]: unknown }>;

/** Plays one script after another on the connections of its stage. */
export class Player {
  readonly #stage: Stage;
  /** Every connection so far, the current one last: an answer may come on a later one. */
  readonly #connections: Connection[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /**
   * Plays the steps in order. On a failure the current connection is closed with 1011 and the reason, so that the client does not hang.
   * @returns never rejects
   */
  async play(script: readonly Step[]): Promise<Outcome> {
    for (const [step, what] of script.entries()) {
      let failure: Failure;
      try {
        failure = await this.#perform(what);
      } catch (error) {
        failure = `unexpected: ${String(error)}`;
      }
      if (failure === null) continue;
      const reason = `${verbOf(what)}: ${failure}`;
      const connection = this.#connections.at(-1);
      connection?.readAgain();
      connection?.outlet.resume();
      connection?.outlet.close(1011, closeReason(`script failed at step ${step}: ${reason}`));
      return { ok: false, step, reason };
    }
    return { ok: true };
  }

  async #perform(step: Step): Promise<Failure> {
    if ('waitMs' in step) return this.#pause(step.waitMs);
    if ('accept' in step) return this.#accept(step.accept, step.deadlineMs ?? this.#stage.acceptMs);
    if ('refuse' in step) return this.#refuse(step.refuse, step.deadlineMs ?? this.#stage.acceptMs);
    if (this.#connections.length === 0) {
      const failure = await this.#accept(true, this.#stage.acceptMs);
      if (failure !== null) return failure;
    }
    const connection = this.#connections.at(-1)!;
    if ('drop' in step) return this.#cut(connection);
    if ('stall' in step || 'resume' in step || 'ignoreClose' in step) return hold(connection, step);
    const deadlineMs = step.deadlineMs ?? this.#stage.deadlineMs;
    if ('expect' in step) return this.#expect(connection, step.expect, step.match, deadlineMs);
    if ('awaitAnswers' in step) return this.#awaitAnswers(connection, step.awaitAnswers, deadlineMs);
    if ('expectClose' in step) return this.#expectClose(connection, step.expectClose, deadlineMs);
    if ('close' in step) return this.#close(connection, step.close, deadlineMs);
    if ('bytes' in step) return this.#written(connection, deadlineMs, () => connection.outlet.write(Buffer.from(step.bytes, 'hex')));
    if ('callTools' in step) {
      for (const { id } of step.callTools) if (id !== undefined) for (const each of this.#connections) each.forgetAnswer(id);
    }
    const messages = messagesOf(step) ?? [];
    for (const handle of messages.map(handleIn)) if (handle !== null) this.#stage.giveHandle(handle, connection);
    const isBinary = (): boolean => (step.frame === undefined ? this.#stage.nextFrameIsBinary() : step.frame === 'binary');
    const frames: readonly OutgoingFrame[] =
      'garbage' in step
        ? [{ payload: Buffer.from(step.garbage, step.encoding ?? 'utf8'), binary: isBinary() }]
        : messages.map((message) => frameOf(message, isBinary()));
    return this.#written(connection, deadlineMs, () => connection.outlet.send(frames, step));
  }

  async #pause(ms: number): Promise<Failure> {
    const waited = await this.#stage.waits.until(() => undefined, ms);
    return !waited.ok && waited.reason === 'closed' ? serverClosed : null;
  }

  async #accept(wanted: StepOf<'accept'>['accept'], deadlineMs: number): Promise<Failure> {
    const waited = await this.#stage.waits.until(() => this.#stage.nextConnection(), deadlineMs);
    if (!waited.ok) return unmet(waited, `no client connected within ${deadlineMs} ms`);
    const connection = waited.value;
    this.#connections.push(connection);
    if (wanted === true) return null;
    const setUp = await this.#stage.waits.until(() => connection.peek('setup') ?? connection.ended ?? undefined, deadlineMs);
    if (!setUp.ok) return unmet(setUp, `no 'setup' within ${deadlineMs} ms; unread: ${connection.describeUnread()}`);
    if (typeof setUp.value === 'string') return `no 'setup': ${setUp.value}`;
    const handle = setUp.value.message.setup?.sessionResumption?.handle || null;
    if (handle === wanted.handle) return null;
    const expected = wanted.handle === null ? 'without a handle' : 'with the handle of this step';
    return `expected a setup ${expected}, got one ${handle === null ? 'without a handle' : 'with another'}`;
  }

  async #refuse(how: Rebuff, deadlineMs: number): Promise<Failure> {
    const waited = await this.#stage.waits.until(() => this.#stage.refuse(how) || undefined, deadlineMs);
    return waited.ok ? null : unmet(waited, `no handshake within ${deadlineMs} ms`);
  }

  async #expect(connection: Connection, kind: ReceivedMessage['kind'], match: object | undefined, deadlineMs: number): Promise<Failure> {
    const accepts = ({ message }: ReceivedMessage): boolean => match === undefined || contains(kind === 'unknown' ? message : message[kind], match);
    const waited = await this.#stage.waits.until(() => connection.take(kind, accepts) ?? connection.ended ?? undefined, deadlineMs);
    const what = match === undefined ? `'${kind}'` : `'${kind}' with ${JSON.stringify(match).slice(0, 200)}`;
    if (!waited.ok) return unmet(waited, `no ${what} within ${deadlineMs} ms; unread: ${connection.describeUnread()}`);
    return typeof waited.value === 'string' ? `no ${what}: ${waited.value}; unread: ${connection.describeUnread()}` : null;
  }

  async #awaitAnswers(connection: Connection, ids: readonly string[], deadlineMs: number): Promise<Failure> {
    const missing = (): readonly string[] => ids.filter((id) => !this.#connections.some((each) => each.answerTo(id) !== undefined));
    const waited = await this.#stage.waits.until(() => (missing().length === 0 ? '' : (connection.ended ?? undefined)), deadlineMs);
    if (!waited.ok) return unmet(waited, `no answer to ${missing().join(', ')} within ${deadlineMs} ms`);
    if (waited.value !== '') return `no answer to ${missing().join(', ')}: ${waited.value}`;
    // They are read: a later `expect: 'toolResponse'` means the next one.
    const awaited = ({ message }: ReceivedMessage): boolean =>
      message.toolResponse?.functionResponses.some(({ id }) => id !== undefined && ids.includes(id)) ?? false;
    for (const each of this.#connections) while (each.take('toolResponse', awaited) !== undefined);
    return null;
  }

  async #expectClose(connection: Connection, expected: true | { code: number }, deadlineMs: number): Promise<Failure> {
    const waited = await this.#stage.waits.until(() => connection.closed ?? undefined, deadlineMs);
    if (!waited.ok) return unmet(waited, `the client did not close within ${deadlineMs} ms`);
    const { code } = waited.value;
    return expected === true || expected.code === code ? null : `expected close code ${expected.code}, got ${code}`;
  }

  async #close(connection: Connection, close: StepOf<'close'>['close'], deadlineMs: number): Promise<Failure> {
    if (connection.closed !== null) return close.unlessClosed === true ? null : connection.ended;
    connection.outlet.close(close.code === undefined ? 1000 : close.code, close.reason ?? '');
    const waited = await this.#stage.waits.until(() => connection.closed ?? undefined, deadlineMs);
    if (waited.ok) return null;
    return this.#cut(connection);
  }

  /** A server that closes meanwhile cuts the socket as well: no failure. */
  async #cut(connection: Connection): Promise<Failure> {
    connection.terminate();
    const { deadlineMs } = this.#stage;
    const waited = await this.#stage.waits.until(() => connection.closed ?? undefined, deadlineMs);
    return waited.ok || waited.reason === 'closed' ? null : `the socket did not end within ${deadlineMs} ms`;
  }

  /** Writes, and waits until the kernel has it all, which is the server's back-pressure; a stalled connection is not waited for. */
  async #written(connection: Connection, deadlineMs: number, write: () => Sending): Promise<Failure> {
    if (connection.ended !== null) return connection.ended;
    const sending = write();
    if (connection.outlet.isStalled) return null;
    const waited = await this.#stage.waits.until(() => sending.failure ?? (sending.pending === 0 ? '' : undefined), deadlineMs);
    if (!waited.ok) return unmet(waited, `${sending.pending} frames not taken within ${deadlineMs} ms`);
    return waited.value === '' ? null : waited.value;
  }
}

const serverClosed = 'the server was closed';

function unmet(waited: Waited<unknown> & { ok: false }, atDeadline: string): string {
  return waited.reason === 'closed' ? serverClosed : atDeadline;
}

/** Steps after which a connection behaves otherwise. They cannot fail. */
function hold(connection: Connection, step: StepOf<'stall'> | StepOf<'resume'> | StepOf<'ignoreClose'>): null {
  if ('ignoreClose' in step) connection.ignoreClose();
  else if ('resume' in step) {
    connection.readAgain();
    connection.outlet.resume();
  } else {
    if (step.stall !== 'writing') connection.stopReading();
    if (step.stall !== 'reading') connection.outlet.stall();
  }
  return null;
}
