/** What is measured of each subject. */
import { Stopwatch } from '../stopwatch.js';
import type { Elections, Rig } from './subject.js';

/** Agents, one after the other, each in a room that is free. @returns µs to go in and out */
export async function free(rig: Rig, rooms: number, times: number): Promise<number> {
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) {
    const leave = await rig.enter(time % rooms, 0);
    await leave();
  }
  return (watch.read() * 1_000) / times;
}

/** All agents of some rooms at once. @returns µs for each, from the first who wants in to the last who is out */
export async function contended(rig: Rig, rooms: number, agents: number): Promise<number> {
  const through = async (room: number, agent: number): Promise<void> => {
    const leave = await rig.enter(room, agent);
    await leave();
  };
  const watch = new Stopwatch();
  for (let room = 0; room < rooms; room++) await Promise.all(Array.from({ length: agents }, (_, agent) => through(room, agent)));
  return (watch.read() * 1_000) / (rooms * agents);
}

/** Leaders, one after the other, each of another election, give up. @returns µs until the next one leads */
export async function successions(elections: Elections, count: number, times: number): Promise<number> {
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) await elections.succeed(time % count);
  return (watch.read() * 1_000) / times;
}
