/** What the model of an application knows of each service, by what was reported. */
import type { applicationMachine } from '../../../machines/application/application.js';
import type { Run } from '../model/run.js';
import { inputs } from './application-inputs.js';

type AppRun = Run<typeof applicationMachine>;
/** What a service is, by what was reported of it: `gone`: it will not come back by itself; `done`: it has done what it was for. */
export type Life = 'down' | 'up' | 'back' | 'gone' | 'done';

export const livesOf = ({ notes }: Pick<AppRun, 'notes'>): Readonly<Record<string, Life>> => (notes['lives'] ?? {}) as Record<string, Life>;
export const lifeOf = (run: Pick<AppRun, 'notes' | 'start'>, id: string): Life =>
  livesOf(run)[id] ?? (inputs[run.start]?.ended?.includes(id) === true ? 'done' : 'down');
