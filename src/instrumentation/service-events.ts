/** The facts of the services of a tree, in words: names, gates, health, configuration, stored events, isolated work, and the tree of an application. */
import type { ApplicationEmitted } from '../../machines/application/application-events.js';
import { type ConfigEmitted, configFacts } from '../../machines/config/config-events.js';
import type { EventStoreEmitted } from '../../machines/events/event-store-events.js';
import type { GateEmitted } from '../../machines/gate/gate-events.js';
import type { HealthEmitted, ServicesEmitted } from '../../machines/health/facts.js';
import type { MonitorEmitted } from '../../machines/health/monitor.js';
import type { ProbeEmitted } from '../../machines/health/probe.js';
import type { IsolationEmitted } from '../../machines/isolation/isolation-events.js';
import { type RegistryEmitted, registryFacts } from '../../machines/registry/registry-events.js';
import type { EndpointEmitted } from '../health/endpoint.js';
import type { LogLevel } from '../telemetry/logger.js';
import { agentEvents } from './agent-events.js';
import { coordinationEvents } from './coordination-events.js';
import type { EventGroup, Rows } from './event-row.js';
import { sessionEvents } from './session-events.js';

const attempt = 'how many times within the period';

const registryLevels: Readonly<Record<RegistryEmitted['type'], LogLevel>> = {
  'registry.registered': 'debug',
  'registry.unregistered': 'debug',
  'registry.refused': 'info',
  'registry.vacated': 'debug',
  'registry.succeeded': 'debug',
  'registry.recovered': 'info',
  'registry.restarted': 'warn',
};

const gateRows: Rows<GateEmitted> = {
  'gate.waited': { about: 'a claim was granted that had to wait', level: 'debug', fields: { key: 'the key', waitedMs: 'how long, ms' } },
  'gate.refused': { about: 'a claim was refused', level: 'info', fields: { key: 'the key', reason: 'why', waitedMs: 'how long it had waited, ms' } },
  'gate.reclaimed': {
    about: 'permits came back from a holder that ended',
    level: 'info',
    fields: { key: 'the key', count: 'how many', because: '`holderEnded` or `aborted`' },
  },
  'gate.expired': { about: 'a lease has run out', level: 'warn', fields: { key: 'the key', heldMs: 'how long it was held, ms' } },
  'gate.paused': { about: 'the service asked for a pause', level: 'info', fields: { key: 'the key', retryAfterMs: 'how long, ms from then' } },
  'gate.levelChanged': {
    about: 'so many permits are there from now on',
    level: 'info',
    fields: { key: 'the key', from: 'as many as before; null is no limit', level: 'as many now', because: '`rateLimited`, `succeeded` or `set`' },
  },
  'gate.watchersRestarted': { about: 'the watch over holders was lost, and is there again', level: 'warn', fields: { attempt } },
};

const monitorRows: Rows<MonitorEmitted> = {
  'health.changed': {
    about: 'what all of them come to has changed',
    level: 'warn',
    fields: { of: '`probes` or `services`', from: 'as it was', to: 'as it is' },
  },
  'health.tableRestarted': { about: 'the monitor lost a part of itself, and has it again', level: 'warn', fields: { attempt } },
};

const probe = 'of the probe';
const because = '`said`, `threw`, `timeout`, `noproc`, `misanswered` or `reported`';
const healthRows: Rows<HealthEmitted> = {
  'health.degraded': {
    about: 'results were not ok, for as often as it takes',
    level: 'warn',
    fields: { id: probe, from: 'as it was', because, detail: 'more' },
  },
  'health.failed': { about: 'it is unhealthy', level: 'error', fields: { id: probe, from: 'as it was', because, detail: 'more' } },
  'health.recovered': { about: 'it is healthy again', level: 'info', fields: { id: probe, from: 'as it was' } },
  'health.flapped': { about: 'it changes too often: little is told of it until it has settled', level: 'warn', fields: { id: probe } },
  'health.settled': { about: 'it changes no more', level: 'info', fields: { id: probe, health: 'as it is' } },
  'health.silenced': { about: 'no result for too long', level: 'error', fields: { id: probe, silentMs: 'how long, ms' } },
  'health.heard': { about: 'a result again', level: 'info', fields: { id: probe } },
  ...monitorRows,
};

// Seen by their monitors, which tell them as `health.*`.
const probeRows: Rows<ProbeEmitted> = {
  'probe.changed': { about: 'its verdict has changed', level: 'debug', fields: { from: 'as it was', to: 'as it is', answer: 'the last one' } },
  'probe.flapped': { about: 'it changes too often', level: 'debug', fields: {} },
  'probe.settled': { about: 'it changes no more', level: 'debug', fields: { health: 'as it is' } },
  'probe.silenced': { about: 'no result for too long', level: 'debug', fields: {} },
  'probe.heard': { about: 'a result again', level: 'debug', fields: {} },
};

const service = 'of the service';
const serviceRows: Rows<ServicesEmitted> = {
  'service.started': { about: 'it was seen for the first time, and is available', level: 'info', fields: { id: service } },
  'service.degraded': { about: 'it lacks what it needs', level: 'warn', fields: { id: service, missing: 'which of its needs' } },
  'service.recovered': { about: 'it is available again', level: 'info', fields: { id: service } },
  'service.lost': {
    about: 'it died; told at `debug` where it was shut down in order',
    level: 'error',
    isOrdered: ({ reason }) => reason === 'shutdown' || (Array.isArray(reason) && reason[0] === 'shutdown'),
    fields: { id: service, reason: 'why' },
  },
  'service.returned': { about: 'it lives again', level: 'info', fields: { id: service } },
  'service.quarantined': {
    about: 'it died too often: nobody is to rely on it for a while',
    level: 'error',
    fields: { id: service, deaths: 'within the period' },
  },
  ...monitorRows,
};

const endpointRows: Rows<EndpointEmitted> = {
  'endpoint.opened': { about: 'it listens', level: 'info', fields: { host: 'the address', port: 'the port' } },
};

const configWords: Readonly<Record<ConfigEmitted['type'], { readonly about: string; readonly level: LogLevel }>> = {
  'config.loaded': { about: 'there is a configuration', level: 'info' },
  'config.updated': { about: 'there is another version', level: 'info' },
  'config.rolledBack': { about: 'an earlier content is there again', level: 'warn' },
  'config.refused': { about: 'a candidate was refused: the last good version stays', level: 'warn' },
  'config.degraded': { about: 'what is served is not what it should be', level: 'error' },
  'config.recovered': { about: 'it is all that it should be again', level: 'info' },
  'config.replayed': { about: 'it has come back, and takes what had waited first, in order', level: 'info' },
  'config.subscriberForgotten': { about: 'a subscriber has ended', level: 'debug' },
  'config.partsRestarted': { about: 'it lost a part of itself, and has it again', level: 'warn' },
};

const storeRows: Rows<EventStoreEmitted> = {
  'eventStore.opened': { about: 'it serves', level: 'info', fields: { head: 'the highest position', isDurable: 'is it in a file?' } },
  'eventStore.lost': { about: 'its engine was lost, and is opened again', level: 'error', fields: { error: 'why', attempt } },
  'eventStore.pruned': { about: 'its policies have removed events', level: 'info', fields: { count: 'how many', through: 'up to which position' } },
  'eventStore.committed': {
    about: 'one commit is on the disk',
    level: 'debug',
    fields: {
      head: 'the highest position',
      events: 'how many it added',
      commands: 'how many it carried out or refused',
      tookMs: 'how long it took, ms',
    },
  },
  'eventStore.refused': {
    about: 'a command was refused',
    level: 'info',
    fields: { reason: '`fenced`, `conflict` or `duplicate`', name: 'the stream, the key or the fence' },
  },
  'eventStore.faulted': { about: 'a commit did not come about, or nobody knows', level: 'error', fields: { error: 'why' } },
  'eventStore.subscriptionFailed': {
    about: 'a subscriber threw, or could not be served; it has ended',
    level: 'error',
    fields: { position: 'up to where it had them', error: 'why' },
  },
};

const job = 'which job';
const isolationRows: Rows<IsolationEmitted> = {
  'isolation.started': { about: 'a job has a thread', level: 'debug', fields: { ref: job, waitedMs: 'since it was asked for, ms' } },
  'isolation.ended': {
    about: 'a job has come to its end, whatever that is',
    level: 'debug',
    fields: { ref: job, status: '`done`, `failed`, `outOfMemory`, `timeout`, `cancelled` or `refused`', tookMs: 'since it was asked for, ms' },
  },
  'isolation.refused': { about: 'a job was not taken', level: 'info', fields: { ref: job, reason: '`full`, `closed` or `uncloneable`' } },
  'isolation.threadLost': {
    about: "a thread was lost, by nobody's order",
    level: 'warn',
    fields: { cause: '`outOfMemory`, `exited`, `crashed` or `unstartable`', losses: attempt },
  },
  'isolation.degraded': {
    about: 'too many were lost: none is begun for a while',
    level: 'error',
    fields: { cause: 'of the last loss', trial: 'how many were lost in a row, after the first', pauseMs: 'for how long, ms' },
  },
  'isolation.recovered': { about: 'a thread has served again', level: 'info', fields: {} },
};

const why = 'the reason, in words';
const applicationRows: Rows<ApplicationEmitted> = {
  'application.started': {
    about: 'all services that are still wanted run, for the first time',
    level: 'info',
    fields: { services: 'how many there are' },
  },
  'application.serviceStarted': { about: 'a service runs', level: 'info', fields: { id: service } },
  'application.serviceLost': {
    about: 'a service has ended by itself',
    level: 'error',
    fields: { id: service, why, willRestart: 'is it started again?' },
  },
  'application.serviceRestarted': { about: 'it runs again', level: 'info', fields: { id: service } },
  'application.startFailed': { about: 'a start has failed', level: 'warn', fields: { id: service, why, attempt: 'how many times in a row' } },
  'application.serviceStopped': { about: 'it was stopped by order', level: 'info', fields: { id: service, why } },
  'application.flushed': {
    about: 'what it had was written, or not',
    level: 'info',
    fields: { id: service, ok: 'was it?', why: 'why not; null where it was' },
  },
  'application.degraded': { about: 'it lacks what it needs', level: 'warn', fields: { id: service, missing: 'which of its needs' } },
  'application.recovered': { about: 'it has what it needs again', level: 'info', fields: { id: service } },
  'application.stopping': { about: 'what runs is stopped, in reverse order', level: 'info', fields: { because: '`asked` or `failed`' } },
  'application.killed': { about: 'the time for an orderly end was over', level: 'error', fields: { running: 'who was killed' } },
  'application.failed': { about: 'it has failed, and ended', level: 'error', fields: { id: 'the service; null where it was none', why } },
};

function mapRows<Type extends string, Row>(types: readonly Type[], row: (type: Type) => Row): { readonly [Each in Type]: Row } {
  return Object.fromEntries(types.map((type) => [type, row(type)])) as { readonly [Each in Type]: Row };
}

export const serviceEvents: readonly EventGroup[] = [
  {
    title: 'Registries',
    from: '`registry.on`',
    machines: ['registry'],
    rows: mapRows(Object.keys(registryFacts) as RegistryEmitted['type'][], (type) => ({ ...registryFacts[type], level: registryLevels[type] })),
  },
  { title: 'Gates', from: '`gate.on`', machines: ['gate'], rows: gateRows },
  { title: 'Health monitors', from: '`healthHandle(…).on`', machines: ['monitor'], rows: healthRows },
  { title: 'Probes', from: 'their chart; their monitor tells them as `health.*`', machines: ['probe'], rows: probeRows },
  { title: 'Service monitors', from: '`servicesHandle(…).on`', machines: ['monitor'], rows: serviceRows },
  { title: 'Endpoints', from: 'their actor', machines: [], rows: endpointRows },
  {
    title: 'Configurations',
    from: '`config.on`',
    machines: ['config'],
    rows: mapRows(Object.keys(configFacts) as ConfigEmitted['type'][], (type) => ({ ...configWords[type], fields: configFacts[type] })),
  },
  { title: 'Event stores', from: '`store.on`', machines: ['eventStore'], rows: storeRows },
  ...coordinationEvents,
  ...sessionEvents,
  ...agentEvents,
  { title: 'Isolated work', from: '`pool.on`', machines: ['isolation'], rows: isolationRows },
  { title: 'Applications', from: '`application.on`', machines: ['application'], rows: applicationRows },
];
