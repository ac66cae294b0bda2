/** Of what a job writes nothing is lost; of what V8 says as it dies, nothing is passed on. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LastWords } from '../../src/isolation/last-words.js';
import { isolationWorld, job, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

const ofV8 = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
const dying = `\n<--- Last few GCs --->\n\n[1:0x1] 9 ms: Mark-sweep\n\n\n<--- JS stacktrace --->\n\n${ofV8}\n 1: 0xb node::Abort()\n`;

/** What was passed on so far. */
function listening(): { words: LastWords; heard: () => string } {
  const passed: Uint8Array[] = [];
  return { words: new LastWords((text) => passed.push(text)), heard: () => Buffer.concat(passed).toString() };
}

describe('what a process writes', () => {
  it.each(['FATAL ERROR: mine\n', 'see <--- Last few GCs ---> above\n', `it said: ${ofV8}\n`, 'größer\n'])('is passed on at once: %j', (text) => {
    const { words, heard } = listening();
    for (const line of [text, 'more\n']) words.write(Buffer.from(line));
    expect(heard()).toBe(`${text}more\n`);
  });

  it.each([dying, `${ofV8}\n`])('is held back where V8 may be dying, but not what came before it', (text) => {
    const { words, heard } = listening();
    words.write(Buffer.from(`größer\n${text}`));
    words.write(Buffer.from('and more\n'));
    expect(heard()).toBe('größer\n');
  });

  it('is passed on whole, in order, once the process has said that it lives; and is held back again', () => {
    const { words, heard } = listening();
    const text = `before\n${dying}after\n`;
    for (let at = 0; at < text.length; at += 100) words.write(Buffer.from(text.slice(at, at + 100)));
    words.release();
    expect(heard()).toBe(text);
    words.write(Buffer.from(dying));
    expect(heard()).toBe(text);
  });

  it.each([dying, `${ofV8}\n`, 'FATAL ERROR: Zone Allocation failed - process out of memory\n'])('tells that memory was what it died of', (text) => {
    const { words } = listening();
    words.write(Buffer.from('FATAL ERROR: mine\n'));
    expect(words.isLast).toBe(false);
    words.write(Buffer.from(text));
    expect(words.isLast).toBe(true);
    words.release();
    expect(words.isLast).toBe(false);
  });

  it.each<[string | null, string]>([
    ['SIGABRT', ''],
    ['SIGKILL', dying],
    [null, dying],
  ])('was its last word where it was aborted: %s', (signal, told) => {
    const { words, heard } = listening();
    words.write(Buffer.from(dying));
    words.ended(signal);
    expect(heard()).toBe(told);
  });

  it('is no last word where it is long', () => {
    const { words, heard } = listening();
    const text = `${ofV8}\n${'x'.repeat(65_536)}`;
    words.write(Buffer.from(text));
    expect(heard()).toBe(text);
  });
});

describe('a job inside a process', { timeout: 60_000 }, () => {
  /** Settles when that text was passed on, from now on. */
  const heard = (text: string): Promise<void> =>
    new Promise((resolve) => {
      let all = '';
      vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
        all += Buffer.from(chunk as Uint8Array).toString();
        if (all.includes(text)) resolve();
        return true;
      });
    });

  it.each(['FATAL ERROR: mine', ofV8])('is heard, and goes on to be: %s', async (text) => {
    const told = heard(`${text}\nand more\n`);
    const { pool } = isolationWorld({ threads: 1, heapMb: 64 });
    expect(await pool.run(job('cry', text))).toMatchObject({ status: 'done' });
    // What its process says of the second job is said after it wrote of the first.
    expect(await pool.run(job('cry', 'and more'))).toMatchObject({ status: 'done' });
    await told;
  });

  it('is heard where it was killed, in the words of V8', async () => {
    const told = heard(ofV8);
    const { pool } = isolationWorld({ threads: 1, heapMb: 64 });
    expect(await pool.run(job('cryAndDie', ofV8))).toMatchObject({ status: 'failed', error: { code: 'SIGKILL' } });
    await told;
  });
});
