/** A subject's process: `child.js ADAPTER CASE URL`. It runs the app of the case and sends what that sees; see subject-process.ts. */
import { monotonicMs } from '../live/monotonic.js';
import type { Adapter } from './adapter.js';
import { App } from './app.js';
import { cases } from './cases/all.js';
import type { ChildMessage } from './subject-process.js';

const [adapterUrl = '', id = '', url = ''] = process.argv.slice(2);
const send = (message: ChildMessage): void => void process.send?.(message);

// Whoever waits for nothing more is still to be seen waiting: the parent ends this process, also by its own end.
process.channel?.ref();
process.on('disconnect', () => process.exit(0));

const which = cases.find((one) => one.id === id);
if (which === undefined) throw new Error(`expected the id of a case, got: ${id}`);
const { model, setupMs, tool } = which;
const { adapter, ...exported } = (await import(adapterUrl)) as { adapter?: Adapter } & Partial<Adapter>;
const app = new App({
  adapter: adapter ?? (exported as Adapter),
  url,
  model,
  tool,
  ...(setupMs === undefined ? {} : { setupMs }),
  tell: (kind, detail = '', figures) => send({ type: 'fact', kind, detail, ...(figures === undefined ? {} : { figures }), at: monotonicMs() }),
});
send({ type: 'loaded' });
await which.act(app);
send({ type: 'acted' });
