/**
 * One object of each class that a grant makes or passes through, kept for ever.
 *
 * V8 compiles for the shapes of objects, and drops shape and code when a full collection finds no object of a shape: a gate that nobody used at that moment
 * would be slow again, and so would each of an app that makes one for each job. These belong to no gate that runs, and nothing is done with them.
 */
const kept: object[] = [];

export function keepShape(specimen: object): void {
  kept.push(specimen);
}
