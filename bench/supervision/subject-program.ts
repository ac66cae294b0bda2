/**
 * One subject in a process of its own: `node subject-program.js NAME`. It says `{}`, obeys {@link Order}s one after the other and answers each with its
 * figures. It ends when its parent lets it go.
 *
 * Why a process of its own: bench/live/subject-program.ts says it of code. Here the heap is measured too, and a collection of 100 000 tasks also marks
 * whatever else the process holds.
 */
import { machineTime } from '../stopwatch.js';
import { Obedient } from './obey.js';
import { type Figures, type Order, spent } from './orders.js';
import { loadSubject } from './subjects.js';

const subject = new Obedient(await loadSubject(process.argv[2]));

async function obey(order: Order): Promise<Figures> {
  const [waited, began] = [machineTime.waited(), machineTime.now()];
  const figures = await subject.obey(order);
  return { ...figures, [spent.waitedMs]: machineTime.waited() - waited, [spent.tookMs]: machineTime.now() - began };
}

process.on('message', (order: Order) => void obey(order).then((figures) => process.send?.(figures)));
process.on('disconnect', () => process.exit(0));
process.send?.({});
