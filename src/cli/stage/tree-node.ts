/** A tree of actors as it is drawn: plain data. */

export interface TreeNode {
  readonly name: string;
  /** How it is: a state of its chart, `running` for what has none; how it ended. */
  readonly state: string;
  /** Of a supervised child: how often it was restarted. Of a supervisor: how much of its budget is used. Null for what nobody restarts. */
  readonly restarts: { readonly count: number; readonly budget?: number; readonly periodMs?: number } | null;
  /** For people: what it is, or how long it took. */
  readonly about: string;
  readonly children: readonly TreeNode[];
}
