/** The public test kit: a local Gemini to talk to, and time that moves when a test says so. */
export type { Admission } from './gemini-server/admission.js';
export type { ReceivedMessage } from './gemini-server/connection.js';
export type { GeminiServerOptions } from './gemini-server/options.js';
export type { Outcome } from './gemini-server/player.js';
export { type RecordedFrame, type Recording, readRecording, replayScript } from './gemini-server/recording.js';
export { type GeminiServer, geminiServer } from './gemini-server/server.js';
export type { Step } from './gemini-server/steps.js';
export type { Waited } from './gemini-server/waits.js';
export { VirtualClock } from './virtual-clock.js';
