import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Adapter, AppTool, Conversation, OpenOptions, Tell } from '../../bench/compare/adapter.js';
import { App, type ToolPlan } from '../../bench/compare/app.js';

afterEach(() => vi.useRealTimers());

/** An app over a client that does what the test says. */
function makeApp({ tool = { takesMs: 0 }, conversation = {}, fails }: { tool?: ToolPlan; conversation?: Partial<Conversation>; fails?: Error } = {}) {
  const told: string[] = [];
  const opened: { options: OpenOptions; tell: Tell }[] = [];
  const adapter: Adapter = {
    open(options, tell) {
      opened.push({ options, tell });
      if (fails !== undefined) return Promise.reject(fails);
      return Promise.resolve({ sendText: () => 'sent', sendAudio: () => undefined, close: () => undefined, ...conversation });
    },
  };
  const tell: Tell = (kind, detail = '') => void told.push(`${kind} ${detail}`.trim());
  const app = new App({ adapter, url: 'http://here', model: 'm', tool, setupMs: 1_000, tell });
  const toolOf = (): AppTool => opened[0]?.options.tool as AppTool;
  return { app, told, opened, toolOf };
}

describe('the app of a case', () => {
  test('connects with what the case says, speaks, and tells', async () => {
    const sendAudio = vi.fn<Conversation['sendAudio']>();
    const { app, told, opened } = makeApp({ conversation: { sendAudio } });
    await app.speak();
    expect(opened[0]?.options).toMatchObject({ url: 'http://here', model: 'm', setupMs: 1_000, tool: { name: 'weather' } });
    expect(told).toEqual(['opened']);
    expect(sendAudio).toHaveBeenCalledTimes(1);
  });

  test('tells that it is connected only where the client does', async () => {
    const { app, told } = makeApp({ conversation: { isOpen: false } });
    expect(await app.open()).toBe(true);
    expect(told).toEqual([]);
  });

  test('tells why connecting was refused, with the code', async () => {
    const { app, told } = makeApp({ fails: Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' }) });
    await app.speak();
    expect(told).toEqual(['refused EHOSTUNREACH no route']);
  });

  test('runs its function, and tells when and how it ends', async () => {
    const { app, told, toolOf } = makeApp();
    await app.open();
    expect(await toolOf().run('call-1')).toEqual({ weather: 'sun' });
    expect(told).toEqual(['opened', 'toolRuns call-1', 'toolEnds call-1']);
  });

  test('has its function throw where the case says so', async () => {
    const { app, told, toolOf } = makeApp({ tool: { takesMs: 0, throws: true } });
    await app.open();
    await expect(toolOf().run('call-1')).rejects.toThrow('no weather today');
    expect(told).toEqual(['opened', 'toolRuns call-1', 'toolThrows call-1']);
  });

  test('has its function end when the signal aborts', async () => {
    const { app, told, toolOf } = makeApp({ tool: { takesMs: 60_000 } });
    await app.open();
    const controller = new AbortController();
    const running = toolOf().run('call-1', controller.signal);
    controller.abort();
    await expect(running).rejects.toThrow('abort');
    expect(told).toEqual(['opened', 'toolRuns call-1', 'toolAborted call-1']);
  });

  test('says of a send what the client says, and what it throws', async () => {
    const sendAudio = () => {
      throw new Error('closed');
    };
    const { app } = makeApp({ conversation: { sendAudio } });
    await app.open();
    expect([app.sendText('hello'), app.sendAudio('AAAA')]).toEqual(['sent', 'threw closed']);
  });

  test('waits for a fact that came, that comes, and not for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { app } = makeApp();
    app.tell('text', 'earlier');
    expect(await app.until(['text'], 1_000)).toBe(true);
    const [first, second] = [app.until(['ended', 'failed'], 1_000), app.until(['failed'], 1_000)];
    const never = app.until(['dropped'], 1_000);
    app.tell('failed', '1011');
    expect(await Promise.all([first, second])).toEqual([true, true]);
    vi.advanceTimersByTime(1_000);
    expect(await never).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
