/** What the coordination benchmark asks of each subject: rooms that one at a time may be in, all measured by the same code. */

/** Leaves the room; settles when the next one may come in. */
export type Leave = () => unknown;

/** Rooms, each with the same number of agents who use it. */
export interface Rig {
  /** Waits until an agent is in its room, alone. */
  enter(room: number, agent: number): Promise<Leave>;
  close(): Promise<unknown>;
}

/** Elections, each with the same number of candidates, of whom one leads. */
export interface Elections {
  /** Whoever leads an election gives it up; settles when another leads. */
  succeed(election: number): Promise<void>;
  close(): Promise<unknown>;
}

/** One thing that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** @param rooms  how many; each is used by `agents` agents */
  open(rooms: number, agents: number): Promise<Rig>;
  /** Settles when each election has a leader. */
  elect(elections: number, candidates: number): Promise<Elections>;
}

/** Elections among those who stand in line for a room, which is all that a mutex has of them. */
export async function line(rig: Rig, elections: number, candidates: number): Promise<Elections> {
  const leaders = await Promise.all(Array.from({ length: elections }, (_, room) => rig.enter(room, 0)));
  const lines = leaders.map((_, room) => Array.from({ length: candidates - 1 }, (__, index) => rig.enter(room, index + 1)));
  const leading = leaders.map(() => 0);
  const places = lines.map((entering) => [undefined, ...entering]);
  return {
    succeed: async (election) => {
      const place = places[election] ?? [];
      const resigned = leading[election] ?? 0;
      const leave = leaders[election] as Leave;
      const next = (resigned + 1) % candidates;
      leading[election] = next;
      const succeeded = place[next] as Promise<Leave>;
      await leave();
      place[resigned] = rig.enter(election, resigned);
      leaders[election] = await succeeded;
    },
    close: () => rig.close(),
  };
}
