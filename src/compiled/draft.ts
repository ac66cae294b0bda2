/** A snapshot in the making: what actions have changed of it so far. */
import type { AnyStateMachine } from 'xstate';

import { can, getMeta, hasTag, matches, toJSON, type Node, type Parts } from './xstate-parts.js';

/** XState makes a new snapshot after each action of a kind that may change it. So does a draft, but only when somebody looks. */
export class Draft {
  readonly machine: AnyStateMachine;
  status: Parts['status'];
  output: unknown;
  error: unknown;
  context: object;
  children: Parts['children'];
  /** Since the snapshot that it was made from, or that it has given last. */
  isChanged = false;
  #latest: Parts;

  constructor(snapshot: Parts) {
    this.#latest = snapshot;
    this.machine = snapshot.machine;
    this.status = snapshot.status;
    this.output = snapshot.output;
    this.error = snapshot.error;
    this.context = snapshot.context;
    this.children = snapshot.children;
  }

  /** As it is now, with the nodes that it began with. */
  snapshot(): Parts {
    if (!this.isChanged) return this.#latest;
    const { _nodes: nodes, value, tags, historyValue } = this.#latest;
    this.isChanged = false;
    return (this.#latest = this.at(this.machine, nodes, value, tags, historyValue));
  }

  /** As it is now, with other nodes. */
  at(machine: AnyStateMachine, nodes: readonly Node[], value: Parts['value'], tags: Set<string>, historyValue: Parts['historyValue']): Parts {
    const { status, output, error, context, children } = this;
    return { status, output, error, machine, context, _nodes: nodes, value, tags, children, historyValue, matches, hasTag, can, getMeta, toJSON };
  }

  /** What an action of XState's own has made of it. */
  become(snapshot: Parts): void {
    if (snapshot === this.#latest && !this.isChanged) return;
    this.#latest = snapshot;
    this.isChanged = false;
    this.status = snapshot.status;
    this.output = snapshot.output;
    this.error = snapshot.error;
    this.context = snapshot.context;
    this.children = snapshot.children;
  }
}
