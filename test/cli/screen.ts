/** A terminal that understands what the show writes: enough to say what a person would see. */

export class Screen {
  readonly isTTY = true;
  columns: number;
  rows: number;
  cursorIsHidden = false;
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Everything on the screen and above it. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join('\n');
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- the escape codes of a terminal
    for (const [, mode, count, final, character] of text.matchAll(/\u001B\[(\??)([\d;]*)([A-Za-z])|([\s\S])/gu)) {
      if (character !== undefined) this.#put(character);
      else if (mode === '?') this.cursorIsHidden = final === 'l';
      else this.#obey(final ?? '', Number(count || '1'));
    }
  }

  #obey(final: string, count: number): void {
    if (final === 'm') return;
    if (final === 'K') this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
    else if (final === 'J') {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
      this.#lines.length = this.#row + 1;
    } else if (final === 'A') {
      // What has scrolled off the screen cannot be reached.
      const top = Math.max(0, this.#lines.length - this.rows);
      this.#row = Math.max(top, this.#row - count);
    } else throw new Error(`the screen does not know CSI ${final}`);
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#nextRow();
    else {
      if (this.#column >= this.columns) this.#nextRow();
      const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }

  #nextRow(): void {
    this.#row += 1;
    this.#column = 0;
    this.#lines[this.#row] ??= '';
  }
}
