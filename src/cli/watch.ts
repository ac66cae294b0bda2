/** `espalier watch`: what happens in an app that is inspected. */
import { lookAt } from '../inspector/client.js';
import type { ServerMessage } from '../inspector/protocol.js';
import { Scene } from '../recording/scene.js';
import type { RecordedLine, RecordingEnd } from '../wire/recording/lines.js';
import type { CommandWorld } from './command-line.js';
import { readCall, shownFlags } from './flags.js';
import { addressOf } from './scene-source.js';
import { factsOf } from './screen/line-facts.js';
import { sceneTrees } from './screen/scene-tree.js';
import { usageError, watchUsage } from './usage.js';

/** Runs the command. @returns the exit code */
export async function watch(args: readonly string[], world: CommandWorld): Promise<number> {
  const { flags, word } = readCall(args, { ...shownFlags, branch: { type: 'string' }, messages: { type: 'boolean' } }, 'URL');
  if (flags.help === true) return world.tell(watchUsage);
  if (word === undefined) throw usageError('URL: the address of an inspector', 'none');
  const address = addressOf(word);
  const branch = flags.branch ?? '';
  return world.attend(flags, async (show, signal) => {
    let hear: (message: ServerMessage) => void = () => undefined;
    let end: () => void = () => undefined;
    const client = await lookAt(address, (message) => hear(message), signal).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (client === null) return 0;
    const { head, app, at } = client.welcome;
    const title = app.title || (app.root ?? 'an app');
    if (flags.json === true) {
      const record = new LineRecord(world);
      world.tell(`${JSON.stringify(head)}\n`);
      hear = (message) => record.hear(message);
      end = () => record.end();
    } else {
      const scene = new Scene();
      show.begin(`${title} (pid ${app.pid ?? '?'}, ${app.runtime})`);
      hear = (message) => {
        const lines = linesOf(message);
        for (const line of lines) scene.take(line);
        const facts = message.type === 'lines' ? lines.flatMap((line) => factsOf(line, at, flags.messages)) : [];
        show.update(facts, sceneTrees(scene));
        if (message.type === 'keyframe' && message.last) show.picture();
      };
    }
    if (branch !== '') hear = both(hear, firstLook(branch, world));
    signal.addEventListener('abort', () => client.close(), { once: true });
    // It may have aborted in between, when nobody listened.
    if (signal.aborted) client.close();
    const answer = await client.ask({ type: 'watch', branch, detail: 'full' }).catch(() => null);
    if (answer?.ok === false) {
      client.close();
      throw usageError('--branch: the path of an actor', answer.error.words);
    }
    const why = await client.ended;
    end();
    if (!signal.aborted) world.note(`the inspector is gone: ${why}`);
    return 0;
  });
}

type Hear = (message: ServerMessage) => void;

function both(first: Hear, second: Hear): Hear {
  return (message) => {
    first(message);
    second(message);
  };
}

/** Says so when nobody is there yet who is watched: any path may be, since actors come and go. */
function firstLook(branch: string, world: Pick<CommandWorld, 'note'>): Hear {
  let isOver = false;
  return (message) => {
    if (isOver || message.type !== 'keyframe') return;
    isOver = message.last || message.lines.some((line) => line.type === '@xstate.actor');
    if (message.last && !message.lines.some((line) => line.type === '@xstate.actor')) world.note(`nobody is at ${branch} yet: waiting`);
  };
}

function linesOf(message: ServerMessage): readonly RecordedLine[] {
  return message.type === 'keyframe' || message.type === 'lines' ? message.lines : [];
}

/** What is heard, as the lines of a recording that can be read again. */
class LineRecord {
  readonly #world: Pick<CommandWorld, 'tell'>;
  #lines = 0;
  #seq: number | null = null;
  /** Of a branch there is no keyframe line; the recording wants one before all that joined. */
  #frame: RecordedLine[] = [];

  constructor(world: Pick<CommandWorld, 'tell'>) {
    this.#world = world;
  }

  hear(message: ServerMessage): void {
    if (message.type === 'keyframe') {
      this.#frame.push(...message.lines.filter(({ type }) => type !== '@espalier.keyframe'));
      if (!message.last) return;
      this.#gap(message.seq, message.at, 'it was told faster than it read');
      this.#write({ type: '@espalier.keyframe', seq: message.seq, at: message.at, lines: this.#frame.length });
      for (const line of this.#frame) this.#write(line);
      this.#frame = [];
      this.#seq = message.seq;
      return;
    }
    for (const line of linesOf(message)) {
      if (this.#seq !== null && line.seq <= this.#seq) continue;
      // A gap that says so itself counts itself.
      if (line.type !== '@espalier.dropped') this.#gap(line.seq - 1, 'at' in line ? line.at : 0, 'of other branches');
      this.#seq = line.seq;
      this.#write(line);
    }
  }

  end(): void {
    const end: RecordingEnd = { type: 'end', lines: this.#lines, cut: null };
    this.#world.tell(`${JSON.stringify(end)}\n`);
  }

  #gap(seq: number, at: number, why: string): void {
    const count = seq - (this.#seq ?? seq);
    if (count > 0) this.#write({ type: '@espalier.dropped', seq, at, count, why });
  }

  #write(line: RecordedLine): void {
    this.#lines++;
    this.#world.tell(`${JSON.stringify(line)}\n`);
  }
}
