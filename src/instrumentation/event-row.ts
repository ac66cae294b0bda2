/** What the event table says of one fact, and the types that hold the table to the facts: one that is missing, or has a field that is, does not compile. */
import type { LogLevel } from '../telemetry/logger.js';

/** One fact, in words. */
export interface EventRow {
  /** What has happened. */
  readonly about: string;
  /** At which level it is logged. */
  readonly level: LogLevel;
  /** Is this one no more than what was ordered? Then it is logged at `debug`. */
  readonly isOrdered?: (fact: Readonly<Record<string, unknown>>) => boolean;
  /** By field, in the order in which they are told. */
  readonly fields: Readonly<Record<string, string>>;
  /** Fields that hold what was said, or what a tool was given and gave: told only where an app wants them. */
  readonly content?: readonly string[];
}

/** The members of a union that have this type, also where one member has several. */
type OfType<Fact, Type> = Fact extends { readonly type: infer Own } ? (Type extends Own ? Fact : never) : never;

type KeysOfAll<Union> = Union extends unknown ? keyof Union : never;

/** Every field of every member, none that is not there. */
type Row<Fact> = Omit<EventRow, 'fields' | 'content'> & {
  readonly fields: { readonly [Field in Exclude<KeysOfAll<Fact>, 'type'> & string]: string };
  readonly content?: readonly (Exclude<KeysOfAll<Fact>, 'type'> & string)[];
};

/** The rows of all facts of one kind of actor. */
export type Rows<Fact extends { readonly type: string }> = { readonly [Type in Fact['type']]: Row<OfType<Fact, Type>> };

/** All facts of one kind of actor. */
export interface EventGroup {
  /** As the page has it. */
  readonly title: string;
  /** How an app comes by them. */
  readonly from: string;
  /** Ids of the machines that emit them; none for actors that are no machines. */
  readonly machines: readonly string[];
  readonly rows: Readonly<Record<string, EventRow>>;
}
