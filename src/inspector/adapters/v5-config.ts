/** A recorded machine as the configuration of an XState 5 machine, and back: what `@statelyai/inspect` sends as `definition`. */
import { type AnyStateMachine, createMachine } from 'xstate';

import { childOfEvent, reasonOfEvent } from '../../../machines/supervision/exit.js';
import { definitionOf } from '../../charts/definition.js';
import { chartState, type RecordedChart } from '../../wire/recording/chart.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

type JsonObject = { readonly [key: string]: Portable };
type Edge = RecordedChart['edges'][number];

const afterWord = 'xstate.after.';
const snapshotWord = 'xstate.snapshot.';

/** What `createMachine` of XState 5 takes: the same chart comes out, with nothing behind its names. */
export function v5Config(state: RecordedChart): JsonObject {
  const groups = new Map<string, Edge[]>();
  for (const edge of state.edges) {
    const known = groups.get(edge.descriptor);
    if (known === undefined) groups.set(edge.descriptor, [edge]);
    else known.push(edge);
  }
  const take = (descriptor: string): JsonObject[] | undefined => {
    const edges = groups.get(descriptor);
    groups.delete(descriptor);
    return edges?.map(v5Edge);
  };
  const always = take('');
  const onDone = take(`xstate.done.state.${state.id}`);
  const invoke = state.invoke.map(({ id, src }) => v5Invocation(id, src, groups, take));
  const delays = [...groups.keys()].filter((descriptor) => descriptor.startsWith(afterWord) && descriptor.endsWith(`.${state.id}`));
  const after = delays.map((descriptor) => [descriptor.slice(afterWord.length, -state.id.length - 1), take(descriptor) ?? []] as const);
  const target = state.type === 'history' && state.initial !== undefined ? { target: `#${state.initial}` } : {};
  const initial = state.type === 'compound' ? state.states.find(({ id }) => id === state.initial)?.key : undefined;
  return {
    id: state.id,
    ...(state.type === 'compound' || state.type === 'atomic' ? {} : { type: state.type }),
    ...(state.history === undefined ? {} : { history: state.history }),
    ...target,
    ...(initial === undefined ? {} : { initial }),
    ...(state.description === undefined ? {} : { description: state.description }),
    ...given('tags', state.tags),
    ...given('entry', named(state.entry)),
    ...given('exit', named(state.exit)),
    ...given('invoke', invoke),
    ...some(
      'on',
      [...groups].map(([descriptor, edges]) => [descriptor, edges.map(v5Edge)] as const),
    ),
    ...some('after', after),
    ...given('always', always ?? []),
    ...given('onDone', onDone ?? []),
    ...some(
      'states',
      state.states.map((child) => [child.key, v5Config(child)] as const),
    ),
  };
}

function v5Invocation(
  id: string,
  src: string,
  groups: ReadonlyMap<string, readonly Edge[]>,
  take: (descriptor: string) => JsonObject[] | undefined,
): JsonObject {
  const ends = [...groups.keys()].filter((type) => reasonOfEvent({ type }) !== undefined && childOfEvent({ type }) === id);
  const [done, failed] = [ends.find((type) => reasonOfEvent({ type }) === 'normal'), ends.find((type) => reasonOfEvent({ type }) !== 'normal')];
  const onDone = done === undefined ? undefined : take(done);
  const onError = failed === undefined ? undefined : take(failed);
  const onSnapshot = take(`${snapshotWord}${id}`);
  return { id, src, ...given('onDone', onDone ?? []), ...given('onError', onError ?? []), ...given('onSnapshot', onSnapshot ?? []) };
}

function v5Edge({ guard, targets, reenter, actions, description }: Edge): JsonObject {
  return {
    ...(targets === null ? {} : { target: targets.map((id) => `#${id}`) }),
    ...(guard === undefined ? {} : { guard }),
    ...given('actions', named(actions)),
    ...(reenter ? { reenter } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

function named(types: readonly string[]): readonly JsonObject[] {
  return types.map((type) => ({ type }));
}

function given(key: string, list: readonly Portable[]): JsonObject {
  return list.length === 0 ? {} : { [key]: list };
}

function some(key: string, entries: readonly (readonly [string, Portable])[]): JsonObject {
  return entries.length === 0 ? {} : { [key]: Object.fromEntries(entries) };
}

/** A machine to look at: nothing is behind its names, and nobody runs it. @throws whatever XState throws at a configuration that is none */
export function machineOfConfig(config: object): AnyStateMachine {
  return createMachine(config as Parameters<typeof createMachine>[0]);
}

/** The machine that a configuration from elsewhere describes; null where XState can make none of it. Never throws. */
export function chartOfConfig(config: unknown): RecordedChart | null {
  try {
    const result = chartState.safeParse(definitionOf(machineOfConfig(config as object)));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}
