/** What every backend of coordination must do, as cases that any runner can run: ours pass them, and so must an adapter of your own. */
import type { BackendClock, BackendLimits, OpenBackend } from '../../backend/port.js';
import { answerCases } from './answer-cases.js';
import { boundCases } from './bound-cases.js';
import { durableCases } from './durable-cases.js';
import { faultCases } from './fault-cases.js';
import { keyCases } from './key-cases.js';
import { leaseCases } from './lease-cases.js';
import { misuseCases } from './misuse-cases.js';
import { watchCases } from './watch-cases.js';

/** How the contract opens the backend that it holds to it. */
export interface BackendSubject {
  /** A new backend with nothing in it, with these limits. */
  open(setting: { readonly limits: BackendLimits }): Promise<OpenedBackend>;
  /** An end of a lease may come so late, ms. Default 0. */
  readonly slackMs?: number;
}

/** A backend, and the time that it goes by. */
export interface OpenedBackend {
  readonly backend: OpenBackend;
  /** The clock of whoever asks. */
  readonly clock: BackendClock;
  /** Lets so many ms go by, for the backend too: a virtual clock is moved; with a real one, waited for. */
  advance(ms: number): Promise<void>;
  /** Closes it, and opens what it left, with the same limits and clock. Of one that is not durable: absent. */
  reopen?(): Promise<OpenBackend>;
  /** Opens what it has, while it runs: as another process does that takes it for dead. Absent where two may have it. */
  takeOver?(): Promise<OpenBackend>;
}

/** One promise, and how to see whether it is kept. */
export interface BackendCase {
  /** A sentence: the title of a test. */
  readonly title: string;
  /** Rejects with an AssertionError where the promise is broken. Nothing is left open. */
  run(): Promise<void>;
}

/** What a case has in hand. */
export interface BackendBench extends OpenedBackend {
  /** Lets so much time go by that what lives for `ms` from now is over. */
  outlast(ms: number): Promise<void>;
}

/** One promise before it has a backend. */
export interface WrittenBackendCase {
  readonly title: string;
  readonly limits?: BackendLimits;
  readonly needs?: 'reopen' | 'takeOver';
  check(bench: BackendBench): Promise<void>;
}

/**
 * The contract of a backend:
 *
 *   for (const { title, run } of await backendContract({ open })) it(title, run);
 */
export async function backendContract(subject: BackendSubject): Promise<readonly BackendCase[]> {
  const probe = await subject.open({ limits: {} });
  await probe.backend.close();
  return [...keyCases, ...leaseCases, ...watchCases, ...boundCases, ...answerCases, ...durableCases, ...faultCases, ...misuseCases]
    .filter(({ needs }) => needs === undefined || probe[needs] !== undefined)
    .map((written) => ({ title: written.title, run: () => runCase(subject, written) }));
}

async function runCase({ open, slackMs = 0 }: BackendSubject, { check, limits = {} }: WrittenBackendCase): Promise<void> {
  const opened = await open({ limits });
  const all = [opened.backend];
  const noted = async (backend: Promise<OpenBackend>): Promise<OpenBackend> => {
    all.push(await backend);
    return backend;
  };
  const { reopen, takeOver } = opened;
  try {
    await check({
      ...opened,
      outlast: (ms) => opened.advance(ms + slackMs),
      ...(reopen === undefined ? {} : { reopen: () => noted(reopen()) }),
      ...(takeOver === undefined ? {} : { takeOver: () => noted(takeOver()) }),
    });
  } finally {
    for (const backend of all) await backend.close();
  }
}
