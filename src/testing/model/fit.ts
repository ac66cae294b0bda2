/** Whether a model fits its machine: every name in it must mean something, and everything of the machine must be spoken for. */
import type { AnyStateMachine } from 'xstate';
import { takes } from '../../charts/descriptor.js';
import { eventName, invocations, statesOf } from '../../charts/edges.js';
import { kitClaims } from './claims.js';
import type { Model } from './model.js';

type Table = Readonly<Record<string, unknown>>;

const termKeys = ['when', 'owes', 'weight'];
const eventKeys = [...termKeys, 'payload', 'run'];
const actorKeys = ['done', 'error', 'reports', 'cases', 'sends', 'onStart', 'onEvent'];
const modelKeys = [
  ...['machine', 'inputs', 'events', 'outcomes', 'delays', 'cases', 'invariants', 'key', 'corners', 'observe', 'finish', 'mayFail'],
  ...['excused', 'ignored', 'waivers'],
];
/** Fields that are functions, wherever they stand. */
const functions = ['key', 'observe', 'finish', 'mayFail', 'when', 'owes', 'onStart', 'onEvent', 'run'];

/** Everything about the model that is wrong, in words; empty when it fits. @param subject  the machine that is executed in the model's place */
export function misfits<M extends AnyStateMachine>(model: Model<M>, subject: M): string[] {
  const shape = misshapen(model);
  if (shape.length > 0) return shape;
  const { machine, inputs = { start: undefined }, corners = {}, excused = {} } = model;
  const starts = Object.keys(inputs);
  return [
    ...(starts.length === 0 ? ['it has no start: leave `inputs` out for one without input'] : []),
    ...Object.entries(corners).flatMap(([name, [start]]) =>
      starts.includes(start) ? [] : [`corner '${name}' begins at '${start}'; the inputs are: ${starts.join(', ')}`],
    ),
    ...Object.keys(excused).flatMap((name) =>
      name in kitClaims ? [] : [`'${name}' is no claim of the kit to be excused from; there are: ${Object.keys(kitClaims).join('; ')}`],
    ),
    ...withoutReason({ excused, ignored: model.ignored ?? {}, waivers: model.waivers ?? {} }),
    ...actorFaults(model, machine),
    ...(subject === machine ? [] : actorFaults(model, subject)),
    ...eventFaults(model, machine),
  ];
}

// ---- its shape

function misshapen(model: unknown): string[] {
  if (!isTable(model)) return [`it is ${show(model)}, not an object`];
  const { machine, events = {}, outcomes = {}, delays = {}, cases = {}, invariants } = model;
  if (!isMachine(machine)) return [`its \`machine\` is ${show(machine)}, not a machine of XState`];
  const faults = unknownKeys('the model', model, modelKeys);
  if (!isTable(invariants)) faults.push('it has no `invariants`: an empty object where there are none');
  for (const key of ['inputs', 'events', 'outcomes', 'cases', 'corners', 'excused', 'ignored', 'waivers', 'invariants', 'delays']) {
    if (model[key] !== undefined && !isTable(model[key])) faults.push(`\`${key}\` is ${show(model[key])}, not an object`);
  }
  if (faults.length > 0) return faults;
  for (const [name, claim] of Object.entries(invariants as Table)) {
    if (typeof claim !== 'function') faults.push(`invariant '${name}' is ${show(claim)}, not a function`);
  }
  faults.push(...eventShapes('events', events));
  for (const [src, actor] of Object.entries(outcomes as Table)) faults.push(...actorShape(src, actor));
  for (const [name, delay] of Object.entries(delays as Table)) {
    const ms = isTable(delay) ? delay['ms'] : delay;
    if (isTable(delay)) faults.push(...termFaults(`delay '${name}'`, delay, [...termKeys, 'ms']));
    if (typeof ms !== 'number' || !Number.isFinite(ms) || ms <= 0) faults.push(`delay '${name}' is ${show(ms)}, not a finite number of ms above 0`);
  }
  for (const [name, move] of Object.entries(cases as Table)) faults.push(...moveShape(`case '${name}'`, move));
  for (const [name, path] of Object.entries((model['corners'] ?? {}) as Table)) {
    if (!Array.isArray(path) || path.length < 2 || path.some((one) => typeof one !== 'string')) {
      faults.push(`corner '${name}' is ${show(path)}, not a list of a start and then cases`);
    }
  }
  return faults;
}

function eventShapes(where: string, events: unknown): string[] {
  if (!isTable(events)) return [`\`${where}\` is ${show(events)}, not an object`];
  return Object.entries(events).flatMap(([type, given]) => {
    if (given === true) return [];
    if (Array.isArray(given)) {
      if (given.length === 0) return [`${where}['${type}'] lists no payload: \`true\` sends it bare`];
      return given.every(isTable) ? [] : [`${where}['${type}'] lists ${show(given.find((one) => !isTable(one)))}, not a payload object`];
    }
    if (!isTable(given)) return [`${where}['${type}'] is ${show(given)}, not \`true\`, a list of payloads or named cases`];
    if (Object.keys(given).length === 0) return [`${where}['${type}'] has no case: \`true\` sends it bare`];
    return Object.entries(given).flatMap(([name, one]) =>
      isTable(one) ? termFaults(`case '${name}' of ${type}`, one, eventKeys) : [`case '${name}' of ${type} is ${show(one)}, not an object`],
    );
  });
}

function actorShape(src: string, actor: unknown): string[] {
  if (!isTable(actor)) return [`outcomes['${src}'] is ${show(actor)}, not an object: \`{}\` hangs`];
  const faults = [...unknownKeys(`outcomes['${src}']`, actor, actorKeys), ...notFunctions(`outcomes['${src}']`, actor)];
  for (const [way, field] of [
    ['done', 'output'],
    ['error', 'error'],
  ] as const) {
    const given = actor[way];
    if (given === undefined || Array.isArray(given)) continue;
    if (!isTable(given)) faults.push(`outcomes['${src}'].${way} is ${show(given)}, not a list and not named cases`);
    else {
      for (const [name, one] of Object.entries(given)) {
        if (isTable(one)) faults.push(...termFaults(`case '${name}' of '${src}'`, one, [...termKeys, field]));
        else faults.push(`case '${name}' of '${src}' is ${show(one)}: write { ${field}: … }`);
      }
    }
  }
  if (actor['reports'] !== undefined) faults.push(...eventShapes(`outcomes['${src}'].reports`, actor['reports']));
  if (actor['sends'] !== undefined && !Array.isArray(actor['sends'])) faults.push(`outcomes['${src}'].sends is no list of event types`);
  for (const [name, move] of Object.entries((actor['cases'] ?? {}) as Table)) faults.push(...moveShape(`case '${name}' of '${src}'`, move));
  return faults;
}

function moveShape(where: string, move: unknown): string[] {
  if (!isTable(move) || typeof move['run'] !== 'function') return [`${where} has no function \`run\``];
  return termFaults(where, move, [...termKeys, 'run']);
}

function termFaults(where: string, given: Table, known: readonly string[]): string[] {
  const { weight } = given;
  const isOdd = weight !== undefined && (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0);
  return [
    ...unknownKeys(where, given, known),
    ...notFunctions(where, given),
    ...(isOdd ? [`${where} has the weight ${show(weight)}, not a finite number above 0`] : []),
  ];
}

function notFunctions(where: string, given: Table): string[] {
  return functions
    .filter((name) => given[name] !== undefined && typeof given[name] !== 'function')
    .map((name) => `${where}: \`${name}\` is not a function`);
}

function unknownKeys(where: string, given: Table, known: readonly string[]): string[] {
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  return unknown.map((key) => `${where} has no '${key}'; it has: ${known.join(', ')}`);
}

function withoutReason(tables: Readonly<Record<string, object>>): string[] {
  return Object.entries(tables).flatMap(([table, entries]) =>
    Object.entries(entries as Table)
      .filter(([, reason]) => typeof reason !== 'string' || reason.trim() === '')
      .map(([name]) => `${table}['${name}'] needs a reason`),
  );
}

// ---- its actors

function actorFaults<M extends AnyStateMachine>({ outcomes = {} }: Model<M>, machine: M): string[] {
  const nodes = statesOf(machine);
  const invoked = nodes.flatMap((node) => invocations(node).map(({ src }) => ({ src, node: node.id })));
  const inline = invoked.filter(({ src }) => src.startsWith('xstate.invoke.'));
  const named = invoked.filter(({ src }) => !src.startsWith('xstate.invoke.')).map(({ src }) => src);
  const needed = [...new Set([...Object.keys(machine.implementations.actors), ...named])];
  return [
    ...inline.map(({ node }) => `state '${node}' invokes logic without a name: name it in setup({ actors }), so that the model can stand in for it`),
    ...needed.filter((src) => !(src in outcomes)).map((src) => `actor '${src}' of the machine is not in \`outcomes\`: \`{}\` lets it hang`),
    ...Object.keys(outcomes)
      .filter((src) => !needed.includes(src))
      .map((src) => `outcomes['${src}'] is for no actor of the machine; there are: ${needed.join(', ') || 'none'}`),
    ...nodes.flatMap((node) =>
      invocations(node).flatMap(({ src, id }) => {
        if (src.startsWith('xstate.invoke.')) return [];
        const { done, cases, onStart, onEvent } = outcomes[src] ?? {};
        const canEnd = done !== undefined || cases !== undefined || onStart !== undefined || onEvent !== undefined;
        const isAwaited = [...node.transitions.keys()].some((event) => eventName(event, node) === `done(${id})`);
        return isAwaited && !canEnd ? [`state '${node.id}' awaits the end of '${src}', which never comes: add outcomes['${src}'].done`] : [];
      }),
    ),
  ];
}

// ---- its events

function eventFaults<M extends AnyStateMachine>(model: Model<M>, machine: M): string[] {
  const handled = new Set(statesOf(machine).flatMap((node) => [...node.transitions.keys()].filter((type) => !type.startsWith('xstate.'))));
  const own = Object.keys(model.events ?? {});
  const actors = Object.entries(model.outcomes ?? {});
  const given = [...own, ...actors.flatMap(([, { reports = {}, sends = [] }]) => [...Object.keys(reports), ...sends])];
  const ignored = Object.keys(model.ignored ?? {});
  const list = [...handled].join(', ') || 'none';
  return [
    ...[...new Set(given)].filter(isWildcard).map((type) => `'${type}' is a wildcard: give the types of events that it takes, as they are sent`),
    ...[...new Set(given)]
      .filter((type) => !isWildcard(type))
      .filter((type) => type.startsWith('xstate.') || ![...handled].some((descriptor) => takes(descriptor, type)))
      .map((type) => `the machine has no event '${type}'; it has: ${list}`),
    ...ignored.filter((type) => !handled.has(type)).map((type) => `ignored['${type}'] is no event of the machine; it has: ${list}`),
    ...ignored.filter((type) => given.includes(type)).map((type) => `'${type}' is ignored, and sent`),
    ...[...handled]
      .filter((descriptor) => !ignored.includes(descriptor) && !given.some((type) => takes(descriptor, type)))
      .map(
        (descriptor) =>
          `event '${descriptor}' of the machine is never sent: give it in \`events\` or an actor's \`reports\`, or say why in \`ignored\``,
      ),
  ];
}

function isWildcard(type: string): boolean {
  return type === '*' || type.endsWith('.*');
}

// ----

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMachine(value: unknown): boolean {
  return isTable(value) && isTable(value['root']) && isTable(value['implementations']) && 'provide' in value;
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
