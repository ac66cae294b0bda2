/** The stores that the events bench measures do what they are measured for: all that was given is there, in its stream. */
import { afterEach, expect, test } from 'vitest';
import { bareSubject } from '../../bench/events/bare.js';
import { espalierSubjects } from '../../bench/events/espalier.js';
import { streamOf } from '../../bench/events/subject.js';
import { newFile, removeFiles } from '../events/store-world.js';

afterEach(removeFiles);

test.each([bareSubject, ...espalierSubjects])('$name has all that it was given, each in its stream', async (subject) => {
  const rig = await subject.open(newFile());
  await rig.oneByOne(120);
  await rig.atOnce(5_020);
  const counts: number[] = [];
  for (let n = 0; n < 50; n++) counts.push(await rig.readStream(streamOf(n)));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5_140);
  expect(counts[0]).toBe(103);
  await rig.close();
});
