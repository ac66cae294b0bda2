/** What was said, from the messages of a Live session: the pieces of a turn put together. */
import type { ServerMessage } from '../../wire/gemini/live.js';
import type { Told } from './facts.js';

/** The text of one conversation so far unsaid, by speaker. */
export class Transcript {
  #model = '';
  #user = '';
  #audioBytes = 0;
  #interrupted = false;

  /** Takes the next message of the server. @returns what is whole now */
  read(message: ServerMessage): Told[] {
    const { serverContent, toolCall, goAway } = message;
    const told: Told[] = [];
    for (const part of serverContent?.modelTurn?.parts ?? []) {
      const code = (part as { executableCode?: { code?: unknown } }).executableCode?.code;
      if (typeof code === 'string') told.push(...this.flush(), { type: 'said', by: 'model', text: `(runs) ${code}` });
      if (part.text !== undefined && part.thought !== true) this.#model += part.text;
      this.#audioBytes += bytesOf(part.inlineData?.data);
    }
    this.#model += serverContent?.outputTranscription?.text ?? '';
    this.#user += serverContent?.inputTranscription?.text ?? '';
    const { generationComplete = false, turnComplete = false, interrupted = false } = serverContent ?? {};
    if (generationComplete || turnComplete || interrupted || toolCall !== undefined) told.push(...this.flush());
    this.#interrupted ||= interrupted;
    if (turnComplete) {
      told.push({ type: 'turn.ended', interrupted: this.#interrupted });
      this.#interrupted = false;
    }
    if (goAway !== undefined) told.push({ type: 'server.goingAway', timeLeft: goAway.timeLeft ?? null });
    return told;
  }

  /** Whatever is unsaid, though nobody said that it was whole. */
  flush(): Told[] {
    const told: Told[] = [];
    if (this.#user.trim() !== '') told.push({ type: 'said', by: 'user', text: this.#user.trim() });
    const audio = this.#audioBytes > 0 && this.#model.trim() === '' ? `(audio, ${Math.ceil(this.#audioBytes / 1024)} kB)` : '';
    const text = this.#model.trim() || audio;
    if (text !== '') told.push({ type: 'said', by: 'model', text });
    this.#user = '';
    this.#model = '';
    this.#audioBytes = 0;
    return told;
  }
}

/** The size of base64 data, decoded. */
function bytesOf(data: string | undefined): number {
  return data === undefined ? 0 : Math.floor((data.length * 3) / 4);
}
