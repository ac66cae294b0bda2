/**
 * One subject in a process of its own: `node subject-program.js NAME`. It says `{}`, obeys {@link Order}s one after the other and answers each with its
 * figures. It ends when its parent lets it go.
 *
 * Why a process of its own: bench/live/subject-program.ts says it of code. Here the measures themselves are shared too: where five subjects have passed
 * through them, V8 no longer knows whose `pass` they call, and builds none of them in.
 */
import { Obedient } from './obey.js';
import type { Order } from './orders.js';
import { loadSubject } from './subjects.js';

const subject = new Obedient(await loadSubject(process.argv[2]));

process.on('message', (order: Order) => void subject.obey(order).then((figures) => process.send?.(figures)));
process.on('disconnect', () => process.exit(0));
process.send?.({});
