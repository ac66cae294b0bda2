/** Calls behind a gate: two at a time, a service that asks for a pause, and a worker that dies while it holds a permit. */
import { createGate, exit } from 'espalier';
import { createActor, fromCallback } from 'xstate';

await using gate = createGate({ permits: 2, adaptive: { ceiling: 4 }, rate: { requests: 100, tokens: 50_000 } });
gate.on('gate.levelChanged', ({ from, level, because }) => console.log(`from ${from} to ${level} permits: ${because}`));
gate.on('gate.reclaimed', ({ count, because }) => console.log(`${count} back: ${because}`));

let isBusy = true;
async function ask(question: string): Promise<{ answer: string; tokens: number }> {
  await Promise.resolve();
  if (isBusy) {
    isBusy = false;
    throw Object.assign(new Error('slow down'), { status: 429, retryAfterMs: 20 });
  }
  return { answer: `about ${question}`, tokens: 30 };
}

const questions = ['rain', 'wind', 'snow'];
const outcomes = await Promise.all(
  questions.map((question) => gate.run('gemini', () => ask(question), { tokens: 200, usage: ({ tokens }) => tokens, waitMs: 5_000 })),
);
for (const outcome of outcomes) console.log(outcome.ok ? `${outcome.value.answer}, attempt ${outcome.attempts}` : outcome.reason);

const worker = createActor(fromCallback(() => undefined)).start();
await gate.acquire({ key: 'gemini', holder: worker });
exit(worker, 'kill');
console.log(gate.status('gemini'));
