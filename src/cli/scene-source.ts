/** Where a scene comes from: an app that is inspected, or a file. */
import { EspalierError } from '../errors.js';
import { type InspectorAddress, type InspectorClient, lookAt, readAddress } from '../inspector/client.js';
import type { Keyframe } from '../inspector/protocol.js';
import { Scene, sceneAt } from '../recording/scene.js';
import { parseRecording, type ActorRecording } from '../wire/recording/parse.js';
import { bare } from './conceal.js';
import { readFileAs } from './input-file.js';
import { usageError } from './usage.js';

/** The address of an inspector, as it was typed. @throws EspalierError `cli/usage` */
export function addressOf(word: string): InspectorAddress {
  const address = readAddress(word);
  if (address === null) throw usageError('the address that the inspector has printed, with its token, in quotes', bare(word));
  return address;
}

/** Is it meant as the address of an inspector, and not as a file? */
export function isAddress(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

/** A recording in a file; one of a process that was killed, too. @throws EspalierError `recording/invalid-file` */
export function readRecordingFile(file: string, directory: string): Promise<ActorRecording> {
  return readFileAs('recording/invalid-file', directory, file, (bytes) => parseRecording(bytes.toString('utf8'), { allowUnfinished: true }));
}

/** The scene now, with what the app remembers of before, or at the end of a file. @throws EspalierError `cli/usage`, `recording/invalid-file`, `inspector/unreachable` */
export async function sceneOf(word: string, directory: string): Promise<Scene> {
  if (!isAddress(word)) return sceneAt((await readRecordingFile(word, directory)).lines);
  const scene = new Scene();
  let hasAll: () => void = () => undefined;
  const all = new Promise<null>((resolve) => (hasAll = () => resolve(null)));
  const now: Keyframe[] = [];
  const client = await lookAt(addressOf(word), (message) => {
    if (message.type === 'lines' && message.history !== undefined) for (const line of message.lines) scene.take(line);
    // Later ones stand for what came while the past was told.
    if (message.type !== 'keyframe' || now.at(-1)?.last === true) return;
    now.push(message);
    if (message.last) hasAll();
  });
  const answer = await client.ask({ type: 'watch', branch: '', detail: 'full' });
  if (!answer.ok) {
    client.close();
    throw new EspalierError('inspector/unreachable', { expected: 'the whole tree', got: answer.error.words });
  }
  const lost = await Promise.race([all, client.ended]);
  if (lost !== null) throw new EspalierError('inspector/unreachable', { expected: 'the whole tree', got: lost });
  await recall(client, now.at(-1)?.seq ?? 0);
  for (const { lines } of now) for (const line of lines) scene.take(line);
  client.close();
  await client.ended;
  return scene;
}

/** Has all told that the inspector keeps from before: who was in the place of whom, and why each ended. Its ring is bounded, and so is this. */
async function recall(client: InspectorClient, to: number): Promise<void> {
  let [from, skip]: [number | null, number] = [0, 0];
  while (from !== null) {
    const answer = await client.ask({ type: 'history', from, to, ...(skip === 0 ? {} : { skip }) });
    // Who tells nothing of before has told how it is.
    if (!answer.ok) return;
    [from, skip] = [answer.next ?? null, answer.skip ?? 0];
  }
}
