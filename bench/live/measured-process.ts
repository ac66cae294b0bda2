/** A subject's process, as the bench holds it: it is given one order at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures, Order as LiveOrder } from './orders.js';

/** See {@link MeasuredProcess.start}. It obeys orders of one kind; those of the Live bench when not told otherwise. */
export class MeasuredProcess<Order extends { readonly do: string } = LiveOrder> {
  readonly name: string;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  /**
   * Starts the process of a subject, and waits until its session is open.
   * @param name     of the subject
   * @param url      of the bench's server; empty where there is none
   * @param program  what is run with both: subject-program.ts
   * @param flags    of Node's, that it runs with
   * @throws (as rejection) Error when it ends before that
   */
  static async start<Order extends { readonly do: string } = LiveOrder>(
    name: string,
    url: string,
    program: string = subjectProgram,
    flags: readonly string[] = [],
  ): Promise<MeasuredProcess<Order>> {
    const started = new MeasuredProcess<Order>(name, fork(program, [name, url], { execArgv: [...flags] }));
    await started.#answer('a session');
    return started;
  }

  /** @throws (as rejection) Error when the process ends before it has answered */
  obey(order: Order): Promise<Figures> {
    const answer = this.#answer(`figures of '${order.do}'`);
    this.#child.send(order);
    return answer;
  }

  /** Lets the process go: it ends. Twice is once. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #answer(what: string): Promise<Figures> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#child.off('message', told).off('error', failed).off('exit', ended);
      };
      const told = (figures: Figures): void => {
        settle();
        resolve(figures);
      };
      const failed = (error: Error): void => {
        settle();
        reject(error);
      };
      const ended = (code: number | null, signal: string | null): void =>
        failed(new Error(`expected ${what} from the process of ${this.name}, got: its end, ${signal ?? `exit ${code}`}`));
      this.#child.on('message', told).on('error', failed).on('exit', ended);
    });
  }
}

const subjectProgram = fileURLToPath(new URL('./subject-program.js', import.meta.url));
