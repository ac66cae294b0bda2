/**
 * One subject in a process of its own: `node subject-program.js NAME URL`. It opens one session, says `{}`, obeys {@link Order}s one after the other and
 * answers each with its figures. It ends when its parent lets it go.
 *
 * Why a process of its own: in one that is shared, the subjects compile each other's code. What is common to them (`ws`, Node's streams) is specialised
 * for whoever ran first and thrown away when the next one comes, and a subject of a few lines lives on what the others have warmed up.
 *
 * Why a run-in after each collection, the same for all: a full collection takes the shapes of all messages with it, and with those the machine code that
 * was made for them ("weak objects" in `--trace-deopt`). The first thousands of messages after it are interpreted and compiled anew, which is the cost of
 * the collection that the bench has forced, and of no message. It runs in turns, for the first end of a turn takes that code away once more: until then
 * nothing but audio had been seen ("insufficient type feedback").
 */
import { setTimeout } from 'node:timers/promises';
import { sweep } from '../heap.js';
import { espalierSubject } from './espalier.js';
import { genaiSubject } from './genai.js';
import { lagWhileToolRuns, Listening, received, roundTrips, sent } from './measure.js';
import type { Figures, Order, Way } from './orders.js';
import { rawWsSubject } from './raw-ws.js';

const flows = { in: received, out: sent };

/** While it is there, the tool answers when it settles. */
let slow: Promise<void> | null = null;
const [name, url = ''] = process.argv.slice(2);
const subject = [rawWsSubject, genaiSubject, espalierSubject].find((one) => one.name === name);
if (subject === undefined) throw new Error(`expected the name of a subject, got: ${name}`);
const listening = await Listening.open(subject, url, () => slow ?? 'echo');
let used = process.cpuUsage();

async function prepare(way: Way, turns: number, count: number): Promise<Figures> {
  sweep();
  for (let turn = 0; turn < turns; turn++) await flows[way](listening, count);
  used = process.cpuUsage();
  return {};
}

/** What the process does between two passes is counted as well: a collection or a compilation that a pass has left to other threads. */
async function pass(way: Way, count: number): Promise<Figures> {
  const { ms } = await flows[way](listening, count);
  const { user, system } = process.cpuUsage(used);
  used = process.cpuUsage();
  return { ms, cpuUs: user + system };
}

async function trips(runIn: number, count: number): Promise<Figures> {
  sweep();
  await roundTrips(listening, runIn);
  const began = process.cpuUsage();
  const took = await roundTrips(listening, count);
  const { user, system } = process.cpuUsage(began);
  return { ...took, cpuUs: (user + system) / count };
}

async function lag(count: number, everyMs: number): Promise<Figures> {
  // The tool ends a little after the last message.
  slow = setTimeout(count * (everyMs + 1) + 100);
  const p99 = await lagWhileToolRuns(listening, count, everyMs);
  slow = null;
  return { p99 };
}

async function obey(order: Order): Promise<Figures> {
  switch (order.do) {
    case 'prepare':
      return prepare(order.way, order.turns, order.count);
    case 'pass':
      return pass(order.way, order.count);
    case 'trips':
      return trips(order.runIn, order.count);
    case 'lag':
      return lag(order.count, order.everyMs);
    case 'close':
      await listening.rig.close();
      return {};
  }
}

process.on('message', (order: Order) => void obey(order).then((figures) => process.send?.(figures)));
process.on('disconnect', () => process.exit(0));
process.send?.({});
