/** What the model of an application knows of each service, by what was reported. */
import type { applicationMachine } from '../../../machines/application/application.js';
import type { ServicePlan } from '../../../machines/application/application-events.js';
import type { Run } from '../model/run.js';
import { inputs } from './application-inputs.js';
import { same } from './looks.js';

type AppRun = Run<typeof applicationMachine>;
/** What a service is, by what was reported of it: `gone`: it will not come back by itself; `done`: it has done what it was for. */
export type Life = 'down' | 'up' | 'back' | 'gone' | 'done';

export const livesOf = ({ notes }: Pick<AppRun, 'notes'>): Readonly<Record<string, Life>> => (notes['lives'] ?? {}) as Record<string, Life>;
export const lifeOf = (run: Pick<AppRun, 'notes' | 'start'>, id: string): Life =>
  livesOf(run)[id] ?? (inputs[run.start]?.ended?.includes(id) === true ? 'done' : 'down');

export const isThere = (run: AppRun, id: string): boolean => ['up', 'back'].includes(lifeOf(run, id));
/** Can be done what needs it? */
export const serves = (run: AppRun, id: string): boolean => ['up', 'done'].includes(lifeOf(run, id));
export const becomes = (run: AppRun, id: string, life: Life): unknown => (run.notes['lives'] = { ...livesOf(run), [id]: life });

export const servicesOf = (run: Pick<AppRun, 'snapshot'>): readonly ServicePlan[] => run.snapshot.context.services;
export const cannotMiss = ({ onDependencyLoss, canMiss }: ServicePlan, need: string): boolean =>
  onDependencyLoss === 'restart' && !canMiss.includes(need);

/** May it be started as far as that need goes? What it can do without may be gone, or wait for what is. */
export const isEnough = (run: AppRun, service: ServicePlan, need: string): boolean =>
  serves(run, need) ||
  (!cannotMiss(service, need) && (lifeOf(run, need) === 'gone' || (lifeOf(run, need) === 'down' && goneFor(run, need).length > 0)));

export const goneFor = (run: AppRun, id: string): readonly string[] =>
  servicesOf(run).flatMap((service) =>
    service.id === id ? service.dependsOn.filter((need) => cannotMiss(service, need) && lifeOf(run, need) === 'gone') : [],
  );

/** May it be started, and is not? */
export const isIdle = (run: AppRun, service: ServicePlan): boolean =>
  lifeOf(run, service.id) === 'down' && service.dependsOn.every((need) => isEnough(run, service, need));

/** Who lacked nothing but one that has served now, and nobody else, is said to have recovered. */
export const wholeFault = (run: AppRun, served: string | null): string | undefined => {
  const whole = run.before.context.services.filter(
    ({ id, missing }) => id !== served && missing.length > 0 && missing.every((need) => need === served),
  );
  const told = run.emittedNow.filter(({ type }) => type === 'application.recovered');
  const owed = whole.map(({ id }) => ({ type: 'application.recovered', id }));
  return same('have recovered', told, owed);
};
