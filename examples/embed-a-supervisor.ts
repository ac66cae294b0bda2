/** The README's program: a supervisor in an app of your own, with a worker that crashes twice and a task with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import { orchestrator } from 'espalier';

let visits = 0;
const prices = fromPromise(async ({ signal }) => {
  await sleep(20, undefined, { signal });
  if (++visits < 3) throw new Error(`price feed lost (${visits})`);
  await sleep(60_000, undefined, { signal });
});

await using app = orchestrator({
  strategy: 'oneForOne',
  intensity: 3,
  periodMs: 5_000,
  actors: { prices },
  children: [{ id: 'prices', src: 'prices', restart: 'permanent', shutdownMs: 1_000 }],
}).start();

app.on('child.restarted', ({ id, attempt }) => console.log(`${id} is back, attempt ${attempt}`));
const answer = await app.tasks.run(({ signal }) => sleep(100, 42, { signal }), { deadlineMs: 10_000 });
console.log(answer.ok ? answer.value : answer.reason);
const report = await app.stop();
console.log(`stopped in ${Math.round(report.tookMs)} ms, killed: ${report.killed.length}`);
