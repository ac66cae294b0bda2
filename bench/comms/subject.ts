/** What the comms benchmark asks of each subject: agents that answer, hear and have subscribed, all measured by the same code. */

/** Agents by number from 0; all answer a number with the next one. */
export interface Rig {
  /** Asks an agent. @returns its answer */
  request(agent: number, body: number): Promise<unknown>;
  /** Tells an agent; settles when it was taken. */
  notify(agent: number, body: number): unknown;
  /** Tells all subscribers; settles when each has taken it. */
  publish(body: number): unknown;
  /** How many notices and how much of what was published agents have heard so far, each for itself. */
  heard(): number;
  close(): unknown;
}

/** One way to reach agents that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** @param agents  how many are there; @param subscribers  how many more there are, that hear what is published. Each has been asked once when it settles */
  open(agents: number, subscribers: number): Promise<Rig>;
}
