/**
 * One object of each class that a grant makes, kept for ever.
 *
 * V8 compiles for the shapes of objects, and drops shape and code when a full collection finds no object of a shape: a gate that nobody used at that moment
 * would be slow again. These belong to no gate, and nothing is done with them.
 */
const kept: object[] = [];

export function keepShape(specimen: object): void {
  kept.push(specimen);
}
