/** Our own probes: in an app, under a supervisor, with deadlines, hysteresis and silence. And the bare timers that they are measured beside. */
import { performance } from 'node:perf_hooks';
import { healthMonitor } from '../../src/health/health-monitor.js';
import { probesOf, type ProbeTable } from '../../src/health/probes.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import type { Subject } from './subject.js';

const firstMs = (id: number, count: number, everyMs: number): number => Math.max(1, (id * everyMs) / count);

export const espalierSubject: Subject = {
  name: 'espalier',
  begin: async (count, everyMs, onCheck) => {
    const found: { table?: ProbeTable | undefined } = {};
    const probes = Array.from({ length: count }, (_, id) => ({
      ...{ id: `service-${id}`, everyMs, firstMs: firstMs(id, count, everyMs) },
      check: async () => {
        // The next one is due an interval after this one was.
        const nextAt = found.table?.laneOf(`service-${id}`)?.nextAt;
        if (nextAt !== undefined) onCheck(id, nextAt - everyMs);
        await Promise.resolve();
      },
    }));
    const app = orchestrator({ actors: { health: healthMonitor({ probes }) }, children: [{ id: 'health', src: 'health' }] }).start();
    await app.started();
    const monitor = app.child('health');
    found.table = monitor === undefined ? undefined : probesOf(monitor);
    return async () => {
      await app.stop();
    };
  },
};

/** One `setInterval` for each check: no deadline, no verdict, and two at once where one is slow. */
export const bareSubject: Subject = {
  name: 'setInterval',
  begin: (count, everyMs, onCheck) => {
    const timers: NodeJS.Timeout[] = [];
    for (let id = 0; id < count; id++) {
      let dueAt = performance.now() + firstMs(id, count, everyMs);
      const check = (): void => {
        onCheck(id, dueAt);
        dueAt += everyMs;
      };
      const begin = (): void => {
        // From here on it is the interval's: what the first timer was late is not its fault.
        dueAt = performance.now();
        check();
        timers.push(setInterval(check, everyMs));
      };
      timers.push(setTimeout(begin, firstMs(id, count, everyMs)));
    }
    return Promise.resolve(() => {
      for (const timer of timers) clearTimeout(timer);
      return Promise.resolve();
    });
  },
};
