/** A Map, as an app writes one: bare, which knows nothing of death; and with a listener for each actor, which is the least that a registry must do. */
import type { AnyActorRef } from 'xstate';
import { type ExitWatch, onExit } from '../../src/supervision/watch.js';
import type { Subject } from './subject.js';

export const mapSubject: Subject = {
  name: 'map',
  open: () => {
    const names = new Map<string, AnyActorRef>();
    const zones = new Map<string, number>();
    return {
      register: (key, ref) => {
        if (names.has(key)) return false;
        names.set(key, ref);
        return true;
      },
      unregister: (key, ref) => names.get(key) === ref && names.delete(key),
      whereis: (key) => names.get(key),
      forgetsTheDead: false,
      describe: (key, _, zone) => void zones.set(key, zone),
      inZone: (zone) => [...zones].filter(([, each]) => each === zone).map(([key]) => names.get(key) as AnyActorRef),
      share: 0.01,
      close: () => names.clear(),
    };
  },
};

export const watchedMapSubject: Subject = {
  name: 'map-and-onexit',
  open: () => {
    const names = new Map<string, { readonly ref: AnyActorRef; readonly watch: ExitWatch }>();
    const zones = new Map<number, Set<AnyActorRef>>();
    return {
      register: (key, ref) => {
        if (names.has(key)) return false;
        const watch = onExit(ref, () => {
          if (names.get(key)?.ref === ref) names.delete(key);
        });
        names.set(key, { ref, watch });
        return true;
      },
      unregister: (key, ref) => {
        const found = names.get(key);
        if (found?.ref !== ref) return false;
        found.watch.unsubscribe();
        return names.delete(key);
      },
      whereis: (key) => names.get(key)?.ref,
      forgetsTheDead: true,
      describe: (_, ref, zone) => {
        const zoned = zones.get(zone);
        if (zoned === undefined) zones.set(zone, new Set([ref]));
        else zoned.add(ref);
      },
      inZone: (zone) => [...(zones.get(zone) ?? [])],
      share: 1,
      close: () => names.clear(),
    };
  },
};
