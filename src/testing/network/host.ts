/** One machine of a simulated network: what outlives its processes, and what waits while the one on it stands still. */
import type { VirtualClock } from '../virtual-clock.js';
import { MachineTime } from './node-clock.js';
import { MemoryDisk, type NodeProcess, type SimulatedNode } from './node.js';
import type { Message } from './traffic.js';

/** What happens on a node at one moment: a message is handled, a timer fires, something is done by hand. */
export interface Happening {
  readonly host: Host;
  /** The process that it is for; undefined where it is for whoever is there. */
  readonly process: NodeProcess | undefined;
  /** Undefined for a timer, which takes no place in an inbox. */
  readonly message: Message | undefined;
  readonly takesPlace: boolean;
  /** Is there nothing to it any more? */
  readonly isOver?: () => boolean;
  readonly what: string;
  readonly run: (process: NodeProcess) => void;
}

/** A node of the network, whatever process runs on it. */
export class Host {
  readonly name: string;
  readonly time: MachineTime;
  readonly disk = new MemoryDisk();
  /** What is started here, now and after each crash. */
  boot: ((node: SimulatedNode) => void) | undefined;
  /** Undefined while it is down. */
  process: NodeProcess | undefined;
  incarnations = 0;
  /** One for each pause that holds it. */
  readonly pauses = new Set<symbol>();
  /** The drift that its clock has; null: it goes right. */
  drift: symbol | null = null;
  /** What has come while it was paused, in order. */
  held: Happening[] = [];

  constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.time = new MachineTime(clock);
  }

  get isPaused(): boolean {
    return this.pauses.size > 0;
  }

  /** How much of its inbox is taken. */
  get waiting(): number {
    return this.held.reduce((count, { takesPlace }) => count + (takesPlace ? 1 : 0), 0);
  }
}
