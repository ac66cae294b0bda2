/** What stands in a machine for an actor that only its factory can give. */

/** @throws Error as the actor starts, with what the machine has to be given @param factory  where it comes with its actors: "gate() of 'espalier'" */
export const missingActor = (machine: string, actor: string, factory: string) => (): never => {
  throw new Error(`machine '${machine}' needs actor '${actor}': use ${factory}, or machine.provide({ actors })`);
};
