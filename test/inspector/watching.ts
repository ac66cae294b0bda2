/** A recorder that is watched, for tests. */
import { onTestFinished } from 'vitest';
import { recorder, type Recorder, type SubscribeOptions } from '../../src/inspector/recorder.js';
import type { RecorderOptions } from '../../src/inspector/options.js';
import type { RecordedLine } from '../../src/wire/recording/lines.js';
import { parseRecording, type ActorRecording } from '../../src/wire/recording/parse.js';

export interface Watching {
  readonly live: Recorder;
  readonly lines: RecordedLine[];
  readonly faults: unknown[];
  of<Type extends RecordedLine['type']>(type: Type): Extract<RecordedLine, { type: Type }>[];
}

/** A recorder for one test, disposed of at its end. */
export function recording(options: RecorderOptions = {}): { live: Recorder; faults: unknown[] } {
  const faults: unknown[] = [];
  const live = recorder({ onFault: (fault) => faults.push(fault), ...options });
  onTestFinished(() => live.dispose());
  return { live, faults };
}

/** Watches, and keeps what it is told. */
export function watch(live: Recorder, options: SubscribeOptions = {}): Omit<Watching, 'live' | 'faults'> & { dispose(): void } {
  const lines: RecordedLine[] = [];
  const subscription = live.subscribe({ lines: (more) => lines.push(...more) }, options);
  onTestFinished(() => subscription.dispose());
  return {
    lines,
    of: (type) => lines.filter((line): line is never => line.type === type),
    dispose: () => subscription.dispose(),
  };
}

/** What was told, read again as from a file. */
export function reread(live: Recorder, lines: readonly RecordedLine[]): ActorRecording {
  const end = { type: 'end', lines: lines.length, cut: null };
  return parseRecording([live.head, ...lines, end].map((line) => JSON.stringify(line)).join('\n'));
}
