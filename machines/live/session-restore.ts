/** What a stored Live session goes on as: XState restores neither timers nor what a state would invoke, and no socket outlives its process. */
import type { Snapshot } from 'xstate';

interface SavedSession {
  readonly status: string;
  readonly value?: { readonly open?: { readonly connection?: unknown } };
  readonly context?: { readonly closeMs?: number; readonly calls?: object };
  readonly children?: Readonly<Record<string, unknown>>;
}

/**
 * A stored session as it is to begin again: connecting, or at its gate, whatever it was doing, without the actors of its calls; no function may be run a
 * second time. One that was closing, or had ended, stays what it was.
 * @param saved         a persisted snapshot of the chart; it is not changed
 * @param isBehindGate  does it need a permit where it goes on? Not where it was stored: a permit is of the process that had it
 * @throws never
 */
export function connectingAgain(saved: Snapshot<unknown>, isBehindGate: boolean): Snapshot<unknown> {
  const { status, value, context, children = {} } = saved as unknown as SavedSession;
  const { open } = value ?? {};
  if (status !== 'active' || open === undefined || (open.connection as { online?: unknown } | undefined)?.online === 'closing') return saved;
  const kept = Object.entries(children).filter(([id]) => !id.startsWith('call.') && id !== 'connection' && id !== 'permit');
  const child = (src: string, input?: object) => ({ [src]: { src, snapshot: { status: 'active', input }, syncSnapshot: false } });
  // Between two sockets there is none to be restored.
  const [connection, begun] = isBehindGate
    ? ['atGate', child('permit')]
    : [{ online: 'connecting' }, child('connection', { closeMs: context?.closeMs })];
  return Object.assign({ ...saved } as Snapshot<unknown>, {
    value: { open: { ...open, connection, rotation: 'steady' } },
    context: { ...context, isBehindGate, isRestored: true },
    children: { ...Object.fromEntries(kept), ...begun },
  });
}
