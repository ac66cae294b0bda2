/** A registry, used as an app uses it. */
import { createRegistry } from '../../src/registry/handle.js';
import { ignore } from '../supervision/subject.js';
import type { Subject } from './subject.js';

export const espalierSubject: Subject = {
  name: 'espalier',
  open: () => {
    const registry = createRegistry({ indexes: ['zone'] });
    return {
      register: (key, ref) => registry.register(key, ref).ok,
      unregister: (key, ref) => registry.unregister(key, ref) === 1,
      whereis: (key) => registry.whereis(key),
      forgetsTheDead: true,
      describe: (key, ref, zone) => void registry.update(key, ref, () => ({ zone })),
      inZone: (zone) => registry.select({ where: { zone } }).map(({ ref }) => ref),
      share: 1,
      close: () => void registry.close().catch(ignore),
    };
  },
};
