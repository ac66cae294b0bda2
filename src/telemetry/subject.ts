/** What a piece of logic works with: which model of which provider. Noted by whoever makes the logic, read by whoever watches its actors. */

/** Which model is asked. No key, and nothing that was said. */
export interface Subject {
  /** As `gen_ai.provider.name` has it. */
  readonly provider: string;
  /** Without `models/` before it. */
  readonly model: string;
}

const subjects = new WeakMap<object, Subject>();

/** Notes it of a logic, or of what a logic is made from; of nothing, nothing. @returns the logic */
export function withSubject<Logic extends object>(logic: Logic, subject: Subject | undefined): Logic {
  if (subject !== undefined) subjects.set(logic, subject);
  return logic;
}

/** @throws never */
export function subjectOf(logic: object): Subject | undefined {
  return subjects.get(logic);
}

/** The subject of a call of Gemini, by its options; nothing where these name no model. @throws never */
export function geminiSubject({ model, vertex }: { readonly model?: unknown; readonly vertex?: unknown }): Subject | undefined {
  if (typeof model !== 'string' || model === '') return undefined;
  return { provider: vertex === undefined ? 'gcp.gemini' : 'gcp.vertex_ai', model: model.slice(model.lastIndexOf('/') + 1) };
}
