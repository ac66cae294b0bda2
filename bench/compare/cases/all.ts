/** The cases in the order of the report. */
import type { Case } from '../case.js';
import { closeDuringTool, closeWhileIdle, malformedFrame, sendAfterClose, silentSetup } from './sockets.js';
import { stalledPeer } from './stalled-peer.js';
import { callWithoutTurnComplete, cancelledTool, interruption, throwingCallback } from './tool-calls.js';

export const cases: readonly Case[] = [
  callWithoutTurnComplete,
  interruption,
  closeDuringTool,
  closeWhileIdle,
  silentSetup,
  sendAfterClose,
  malformedFrame,
  throwingCallback,
  cancelledTool,
  stalledPeer,
];
