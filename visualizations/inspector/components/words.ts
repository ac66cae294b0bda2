/** Numbers and times as people read them, in few letters and of one width. */

/** A time span: `0.4 ms`, `12 ms`, `3.4 s`, `2 m 05 s`, `3 h 04 m`, `2 d 3 h`. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1) return size === 0 ? '0 ms' : `${round(ms, 2)} ms`;
  if (size < 1_000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${round(ms / 1_000, size < 10_000 ? 2 : 1)} s`;
  const [seconds, sign] = [Math.floor(size / 1_000), ms < 0 ? '-' : ''];
  if (seconds < 3_600) return `${sign}${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${sign}${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))} m`;
  return `${sign}${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** Until something is due: tenths below ten seconds, so that it does not flicker. */
export function countdown(ms: number): string {
  if (ms <= 0) return 'now';
  return ms < 10_000 ? `${(Math.ceil(ms / 100) / 10).toFixed(1)} s` : duration(Math.ceil(ms / 1_000) * 1_000);
}

/** A moment since the beginning: `12.345 s`, `2:05.120`, `3:04:05.001`. */
export function moment(ms: number): string {
  const size = Math.max(0, ms);
  const seconds = ((size % 60_000) / 1_000).toFixed(3);
  if (size < 60_000) return `${seconds} s`;
  const minutes = Math.floor(size / 60_000);
  const padded = seconds.padStart(6, '0');
  return minutes < 60 ? `${minutes}:${padded}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${padded}`;
}

/** Wall time of the day, to the millisecond: `14:03:27.120`. */
export function clock(wallAt: number): string {
  const date = new Date(wallAt);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** A count: `0`, `999`, `1.2k`, `3.4M`. */
export function short(count: number): string {
  if (count < 1_000) return String(round(count, count < 10 ? 1 : 0));
  if (count < 1_000_000) return `${round(count / 1_000, count < 10_000 ? 1 : 0)}k`;
  return `${round(count / 1_000_000, 1)}M`;
}

/** An event as one says it: XState's own by what they tell, `after(backoff)`, `done(job)`, `error(job)`. */
export function eventWords(type: string): string {
  const [, kind, subject = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state|snapshot)\.(.+)$/u.exec(type) ?? [];
  if (kind === undefined) return type;
  if (kind === 'after') return `after(${subject.split('.')[0] ?? subject})`;
  return `${kind.split('.')[0] ?? kind}(${subject})`;
}

/** `1 line`, `2 lines`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
