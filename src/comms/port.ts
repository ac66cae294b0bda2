/** How agents are asked: what coordination needs of comms, and all that a test has to stand in for. */
import type { RequestOutcome } from '../../machines/comms/request.js';

/** How a question is put. */
export interface RequestOptions {
  /** Takes it back, also before it is put; the agent is told. */
  readonly signal?: AbortSignal;
  /** Answered so many ms after the call at the latest. Default: that of comms. */
  readonly withinMs?: number;
  /** Of the same agent with the same key the same is asked: it is asked once, and all hear its answer, as long as that is kept. Errors are not. */
  readonly key?: string;
  /** Who asks, by name. */
  readonly from?: string;
}

/** Somebody who can put questions to agents. */
export interface Requests {
  /**
   * Asks an agent by its name. @returns rejects for misuse only, before anything happens
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  request(agent: string, body: unknown, options?: RequestOptions): Promise<RequestOutcome>;
}
