/** What a registry's chart is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** Input of the registry machine. */
export interface RegistryInput {
  /** Losses of the actor `names` within the period that it survives; one more, and it fails. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** What a registry may be told. */
export type RegistryEvent =
  /** Of the actor `names`: it watches. `kept` owners are those of before that live, `gone` those that had ended unseen. */
  | { readonly type: 'names.opened'; readonly kept: number; readonly gone: number }
  /** It was ended, by nobody's order here. `at`: monotonic ms. */
  | { readonly type: 'names.ended'; readonly at: number }
  /** It ends, and forgets every name. */
  | { readonly type: 'registry.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** Why a name was not given. */
export type NameRefusal =
  /** Somebody has it: the registrant itself, too. */
  | 'alreadyRegistered'
  /** Whoever had it has ended, and its successor is awaited. */
  | 'awaited'
  /** It belongs to one place of the tree, or to nobody. */
  | 'reserved'
  /** The registrant has ended. */
  | 'noproc'
  /** The registrant was never started: nobody would hear of its end. */
  | 'notRunning'
  /** The name was to follow a restart, of one that no supervisor would restart. */
  | 'notSupervised'
  /** There are as many entries as may be. */
  | 'full'
  /** The registry has ended, or does not run. */
  | 'closed';

/** Why a name was taken away. */
export type NameLoss = 'asked' | 'ended' | 'notSucceeded' | 'cleared';

/** What a registry emits. `owner` is the id of an actor. */
export type RegistryEmitted =
  | { readonly type: 'registry.registered'; readonly namespace: string; readonly key: string; readonly owner: string }
  | {
      readonly type: 'registry.unregistered';
      readonly namespace: string;
      readonly key: string;
      readonly owner: string | null;
      readonly because: NameLoss;
    }
  | { readonly type: 'registry.refused'; readonly namespace: string; readonly key: string; readonly owner: string; readonly reason: NameRefusal }
  | { readonly type: 'registry.vacated'; readonly namespace: string; readonly key: string; readonly owner: string }
  | { readonly type: 'registry.succeeded'; readonly namespace: string; readonly key: string; readonly owner: string }
  | { readonly type: 'registry.recovered'; readonly kept: number; readonly gone: number }
  | { readonly type: 'registry.restarted'; readonly attempt: number };

/** What is said of one kind of fact: for tables of events. */
export interface FactWords<Fact> {
  readonly about: string;
  /** By field, in the order in which they are told. */
  readonly fields: { readonly [Field in Exclude<keyof Fact, 'type'>]: string };
}

const namespace = 'the namespace';
const key = 'the name';

/** Every fact of a registry, in words. */
export const registryFacts: { readonly [Type in RegistryEmitted['type']]: FactWords<Extract<RegistryEmitted, { type: Type }>> } = {
  'registry.registered': { about: 'a name was given', fields: { namespace, key, owner: 'the id of the actor that has it' } },
  'registry.unregistered': {
    about: 'a name was taken away',
    fields: {
      namespace,
      key,
      owner: 'the id of the actor that had it; null where it stood empty',
      because: 'asked, ended (its owner), notSucceeded (nobody came after its owner) or cleared (its namespace)',
    },
  },
  'registry.refused': { about: 'a name was not given', fields: { namespace, key, owner: 'the id of the actor that was to have it', reason: 'why' } },
  'registry.vacated': {
    about: 'the owner of a name that follows restarts has ended, and its successor is awaited',
    fields: { namespace, key, owner: 'the id of the actor that had it' },
  },
  'registry.succeeded': { about: 'a name has passed to the successor of its owner', fields: { namespace, key, owner: 'the id of the successor' } },
  'registry.recovered': {
    about: 'a registry that was restarted, or its watch, has looked at everybody whom it knew',
    fields: { kept: 'owners that live', gone: 'owners that had ended unseen' },
  },
  'registry.restarted': { about: 'the watch over owners was lost, and is there again', fields: { attempt: 'losses within the period' } },
};

/** What a registry's chart knows: how often its watch was lost. Names are kept beside it, since actors are no JSON. */
export interface RegistryContext extends RegistryInput {
  /** Losses of the actor `names` within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  readonly reason: ExitReason;
}
