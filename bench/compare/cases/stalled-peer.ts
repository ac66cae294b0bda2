/** 64 MiB to a server that has stopped reading. */
import type { App } from '../app.js';
import { type Case, right, wrong, zero } from '../case.js';
import { firstFact } from '../facts.js';
import { Held } from '../held.js';
import { flashLive, setUp } from './conversation.js';

const messageBytes = 1_048_576;
const messageCount = 64;
/** As much as may be held for a peer that does not read; a quarter of what is sent. */
const boundBytes = 16 * 1_048_576;

export const stalledPeer: Case = {
  id: 'stalled-peer',
  title: '64 messages of 1 MiB to a server that does not read',
  rule: 'at most 16 MiB are held, and the app is told of every message that is refused or let go',
  model: flashLive,
  tool: { takesMs: 0 },
  // Compression would hide what is held: the socket counts compressed bytes.
  compression: false,
  script: [...setUp, { waitMs: 100 }, { stall: 'reading' }, zero, { say: 'stalled' }, { waitMs: 1_000 }],
  async act(app) {
    if (!(await app.open()) || !(await app.until(['text'], 3_000))) return;
    await flood(app);
  },
  watchMs: 15_000,
  judge(seen) {
    const told = firstFact(seen, 'flooded');
    if (told === undefined) return wrong('the flood never ended');
    const { heldBytes = 0, toldCount = 0 } = told.figures ?? {};
    const held = `${mebibytes(heldBytes)} held`;
    if (heldBytes > boundBytes) return wrong(`${held}, ${toldCount} of ${messageCount} refused or let go`, told.atMs);
    if (toldCount === 0) return wrong(`${held}, and nobody is told what became of the rest`, told.atMs);
    return right(`${held}, told of the ${toldCount} that are not`, told.atMs);
  },
};

/** Sends all of it, and tells what it came to. */
async function flood(app: App): Promise<void> {
  // With its envelope a message is the full size.
  const audio = 'A'.repeat(messageBytes - 128);
  const held = await Held.start();
  const answers = new Map<string, number>();
  for (let i = 0; i < messageCount; i++) {
    const words = app.sendAudio(audio) ?? 'nothing is said';
    answers.set(words, (answers.get(words) ?? 0) + 1);
    // As an app's microphone does: each chunk in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heldBytes, socketBytes, rssBytes } = await held.read();
  const refused = [...answers].reduce((sum, [words, count]) => sum + (/^(?:rejected|dropped|threw) /.test(words) ? count : 0), 0);
  const toldCount = app.seen('dropped').reduce((sum, count) => sum + Number(count), refused);
  const said = [...answers].map(([words, count]) => `${count} × ${words}`).join(', ');
  const memory = `${mebibytes(heldBytes)} held, ${mebibytes(socketBytes)} of it in the socket, process + ${mebibytes(rssBytes)}`;
  app.tell('flooded', `${said}; ${memory}`, { heldBytes, socketBytes, rssBytes, toldCount });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
