/** Steps that cases have in common: a session is set up, the user speaks, the model calls. */
import type { Step } from '../../../src/testing/index.js';

/** For the model of most cases, every subject runs a call as it comes. */
export const flashLive = 'gemini-3.1-flash-live-preview';
/** A model that ends no turn with a call. */
export const nativeAudio = 'gemini-2.5-flash-native-audio-preview-12-2025';

export const callId = 'call-1';
/** Given by the server before anything else, so that whoever can resume has what it needs. */
export const handle = 'handle-1';

export const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];
export const userSpeaks: readonly Step[] = [{ expect: 'realtimeInput' }];
export const call: Step = { callTools: [{ id: callId, name: 'weather', args: {} }] };

/** The server takes a conversation on: a new socket whose setup brings the handle. */
export const takeOn: readonly Step[] = [{ accept: { handle } }, { expect: 'setup' }, { send: { setupComplete: {} } }];
