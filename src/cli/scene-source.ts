/** Where a scene comes from: an app that is inspected, or a file. */
import { lookAt, readAddress, type InspectorAddress } from '../inspector/client.js';
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

/** The scene now, or at the end of a file. @throws EspalierError `cli/usage`, `recording/invalid-file`, `inspector/unreachable` */
export async function sceneOf(word: string, directory: string): Promise<Scene> {
  if (!isAddress(word)) return sceneAt((await readRecordingFile(word, directory)).lines);
  const scene = new Scene();
  let hasAll: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (hasAll = resolve));
  const client = await lookAt(addressOf(word), (message) => {
    if (message.type !== 'keyframe') return;
    for (const line of message.lines) scene.take(line);
    if (message.last) hasAll();
  });
  await client.ask({ type: 'watch', branch: '', detail: 'full' });
  await Promise.race([all, client.ended]);
  client.close();
  await client.ended;
  return scene;
}
