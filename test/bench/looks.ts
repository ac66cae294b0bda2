/** Whether a measure measures at all, on a machine where others may have the core most of the time. */

const looks = 5;

/** The most of a few looks, in the measure's unit. One that others interrupted may come to nothing: the stopwatch counts our own time only. */
export async function most(measure: () => number | Promise<number>): Promise<number> {
  let result = 0;
  for (let look = 0; look < looks && result <= 0; look++) result = await measure();
  return result;
}
