/** Defects that are planted in the compiler, one at a time: what people get wrong who write a statechart's steps. The conformance must catch each. */
import { actionDefects } from './action-defects.js';
import { stepDefects, type Defect } from './step-defects.js';

export type { Defect } from './step-defects.js';

export const defects: readonly Defect[] = [...stepDefects, ...actionDefects];
