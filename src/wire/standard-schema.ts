/**
 * Schemas of whatever library: what zod 4, Valibot, ArkType and others have in common.
 *
 * @see https://standardschema.dev
 */

/** What an issue of a Standard Schema says. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of a value. */
export type StandardResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

/** The part of Standard Schema, and of Standard JSON Schema where there is one, that is used here. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> };
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** Told by what it can do. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const standard = isHolder ? (value as { '~standard'?: Partial<StandardSchema['~standard']> })['~standard'] : undefined;
  return typeof standard?.validate === 'function';
}

/** The way to what an issue is about, in texts. */
export function stepsOf({ path = [] }: StandardIssue): readonly string[] {
  return path.map((step) => String(typeof step === 'object' ? step.key : step));
}
