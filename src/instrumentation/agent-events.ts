/** The facts of agents in words: their lives, their load, and the variables that they share. */
import type { AgentEmitted, AgentsRecovered } from '../../machines/agents/agent-events.js';
import type { BalancerEmitted } from '../../machines/agents/balancer-events.js';
import type { VariablesEmitted } from '../../machines/agents/variables-events.js';
import type { EventGroup, Rows } from './event-row.js';

const id = 'the name of the agent';
const itsWhy = 'its reason';
const agentRows: Rows<AgentEmitted | AgentsRecovered> = {
  'agent.registered': { about: 'an agent is known', level: 'debug', fields: { id, src: 'what it runs', capabilities: 'what it can do' } },
  'agent.recovered': {
    about: 'its chart was lost, and is there again',
    level: 'warn',
    fields: { id, state: '`starting`: it was to run, and is started again; `registered`, `stopped` or `failed`' },
  },
  'agents.recovered': {
    about: 'the supervisor of all agents was lost, and they are there again',
    level: 'warn',
    fields: { registered: 'how many', started: 'how many of them are started again', lost: 'how many could not be registered again' },
  },
  'agent.started': { about: 'it runs', level: 'info', fields: { id } },
  'agent.startFailed': { about: 'a start of it has failed', level: 'warn', fields: { id, why: itsWhy } },
  'agent.crashed': {
    about: 'it has ended without an order',
    level: 'warn',
    fields: { id, reason: 'the exit reason', willRestart: 'is it to be restarted?' },
  },
  'agent.restarted': { about: 'it runs again', level: 'info', fields: { id, restarts: 'how often since it was registered' } },
  'agent.stopped': { about: 'it is down, in order', level: 'info', fields: { id, reason: 'the exit reason' } },
  'agent.failed': { about: 'it is down, and stays there: it did not start, or not often enough', level: 'error', fields: { id, why: itsWhy } },
  'agent.updated': { about: 'it is what it was to become', level: 'info', fields: { id, isRunning: 'does it run?' } },
  'agent.rolledBack': { about: 'it could not be started as what it was to become, and runs as it was', level: 'warn', fields: { id, why: itsWhy } },
  'agent.unregistered': { about: 'it is forgotten', level: 'debug', fields: { id } },
  'agent.answered': { about: 'a call was answered', level: 'debug', fields: { id, call: 'which', outcome: 'the answer' } },
};

const agent = 'its name';
const task = 'its id';
const balancerRows: Rows<BalancerEmitted> = {
  'balancer.strategyChanged': {
    about: 'agents have their turns by another strategy',
    level: 'info',
    fields: { from: 'the former', strategy: '`roundRobin`, `leastLoaded`, `capability` or `weighted`' },
  },
  'balancer.agentAdded': { about: 'an agent may be given tasks', level: 'info', fields: { agent } },
  'balancer.agentLost': {
    about: 'an agent is given nothing more',
    level: 'warn',
    isOrdered: ({ because }) => because === 'removed',
    fields: { agent, because: '`ended` or `removed`', tasks: 'how many it had in hand' },
  },
  'balancer.assigned': {
    about: 'a task has an agent',
    level: 'debug',
    fields: { task, agent: 'which', attempt: 'how many have had it, moves not counted' },
  },
  'balancer.moved': {
    about: 'a task has another agent',
    level: 'info',
    fields: { task, from: 'who had it', to: 'who has it', because: '`lost` or `rebalanced`' },
  },
  'balancer.refused': {
    about: 'a task was not taken',
    level: 'info',
    fields: { task, reason: '`noSuitableAgent`, `busy`, `full`, `taken`, `late`, `cancelled` or `closed`' },
  },
  'balancer.ended': {
    about: 'a task has come to its end',
    level: 'debug',
    fields: {
      ...{ task, agent: 'who had it; null: nobody', tookMs: 'since it was asked for, ms' },
      outcome: '`done`, `failed`, `agentLost`, `spent`, `noSuitableAgent`, `late`, `cancelled` or `closed`',
    },
  },
  'balancer.dropped': {
    about: 'a report counted for nothing',
    level: 'info',
    fields: { task, agent: 'of whom it speaks', reason: '`stale`, `ended` or `unknown`' },
  },
};

const variable = 'which variable';
const version = 'its version';
const variablesRows: Rows<VariablesEmitted> = {
  'variables.defined': { about: 'there is a variable of that name', level: 'debug', fields: { name: variable } },
  'variables.changed': {
    about: 'it has another value',
    level: 'debug',
    fields: { name: variable, version, by: 'who has written; null: nobody said' },
  },
  'variables.deleted': { about: 'there is none of that name any more', level: 'debug', fields: { name: variable, version: 'its last version' } },
  'variables.refused': {
    about: 'it was not written',
    level: 'info',
    fields: { name: variable, reason: '`unknown`, `taken`, `full`, `conflict`, `threw` or `notJson`' },
  },
  'variables.subscriberLost': {
    about: 'an actor that was told of its changes has ended',
    level: 'debug',
    fields: { name: variable, actor: 'its id' },
  },
  'variables.coordinated': {
    about: 'agents were asked for its value',
    level: 'info',
    fields: {
      ...{ name: variable, answered: 'how many have answered', failed: 'how many have not' },
      outcome: '`set`; or `tooFew`, `noMajority`, `cancelled`, `closed`, `conflict`, `unknown`, `threw` or `notJson`',
    },
  },
};

export const agentEvents: readonly EventGroup[] = [
  { title: 'Agents', from: '`agents.on`', machines: ['agent'], rows: agentRows },
  { title: 'Load balancers', from: '`balancer.on`', machines: ['balancer'], rows: balancerRows },
  { title: 'Shared variables', from: '`variables.on`', machines: ['variables'], rows: variablesRows },
];
