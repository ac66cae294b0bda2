/** A recording from a file: read and checked here, with no server and nothing sent anywhere. */
import { type ActorRecording, parseRecording } from '../../../src/wire/recording/parse.js';

/** Largest file that is opened, bytes. */
const maxBytes = 256 * 1024 * 1024;

export type OpenedFile =
  | { readonly ok: true; readonly name: string; readonly recording: ActorRecording; readonly text: string }
  | { readonly ok: false; readonly name: string; readonly why: string };

/** Never rejects. */
export async function openFile(file: File): Promise<OpenedFile> {
  const { name } = file;
  if (file.size > maxBytes) return { ok: false, name, why: `It has ${file.size} bytes; a page can hold ${maxBytes}.` };
  try {
    const text = await file.text();
    return { ok: true, name, text, recording: parseRecording(text, { maxBytes, allowUnfinished: true }) };
  } catch (error) {
    return { ok: false, name, why: error instanceof Error ? error.message : String(error) };
  }
}
