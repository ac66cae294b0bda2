/** Paths into the corners of a Live session that lie deep: what was remembered once must be forgotten in time. */
import type { sessionMachine } from '../../../machines/live/session.js';
import type { Model } from '../model/model.js';

const begin = ['socket: opens', 'server: setupComplete'];
const ready = ['a session', ...begin] as const;
const called = [...ready, 'server: calls a'] as const;
const lost = ['socket: closed 1006', '100 ms pass'];
const left = ['server: gives a handle', 'server: goes away', 'socket: closed 1006'];
/** A socket is left, and the next is ready. */
const again = [...left, ...begin];
const unheard = ['socket: opens', '100 ms pass', '100 ms pass'];
/** The server does not know the handle that the app gave. */
const refused = ['a session with a handle', 'socket: opens', 'socket: closed 1008', ...begin] as const;

export const corners: NonNullable<Model<typeof sessionMachine>['corners']> = {
  // calls and their answers
  'an answer is written': [...called, 'a answers', 'uplink: an answer is written'],
  'a call is taken back while its answer waits': [...called, 'a answers', 'server: cancels a'],
  'a call is taken back too late': [...called, 'a answers', 'server: cancels a, whose answer is being written'],
  'answers wait while the conversation is lost': [
    ...called,
    ...['server: calls later', 'socket: closed 1006', 'a answers', 'later answers', '100 ms pass', ...begin],
  ],
  'a part of an answer makes the handle old': [
    ...called,
    ...['server: gives a handle', 'app: answers a in part', 'server: cancels a', 'server: goes away'],
  ],
  'an answer that was taken back leaves the handle as it was': [
    ...called,
    ...['server: gives a handle', 'a answers', 'server: cancels a', 'server: goes away'],
  ],
  'a turn of the app makes the handle old': [...ready, 'server: gives a handle', 'app: says hello', 'server: goes away'],
  'so does one past the chart': [...ready, 'server: gives a handle', 'app: has sent a turn, past the chart', 'server: goes away'],
  'what the user says does not': [...ready, 'server: gives a handle', 'app: lets the user be heard', 'server: goes away'],
  // setups that are not accepted yet
  'a call comes after a loss': [...ready, ...lost, 'socket: opens', 'server: calls a'],
  'a call comes after a goAway': [...ready, 'server: gives a handle', 'server: goes away', 'server: calls a'],
  'a call comes after a restoration': [...ready, 'restored by liveSession()', 'socket: opens', 'server: calls a'],
  'a goAway comes before the setup is accepted': [
    'a session',
    ...['socket: opens', 'server: goes away in 400 ms', '100 ms pass', 'server: setupComplete', '100 ms pass'],
  ],
  // lost sockets, and how many
  'the next socket is lost too': [...ready, ...lost, 'socket: opens', 'socket: closed 1006'],
  'the socket after a goAway is lost': [...ready, ...left, 'socket: opens', 'socket: closed 1006'],
  'no new socket is set up in time': [...ready, ...left, ...unheard, '100 ms pass', ...unheard],
  'a loss comes soon after one': [...ready, ...lost, ...begin, 'socket: closed 1006'],
  'a loss comes long after one': [...ready, ...lost, ...begin, 'a second passes', 'socket: closed 1006'],
  'a loss comes soon after a restoration': [...ready, ...lost, ...begin, 'restored by liveSession()', ...begin, 'socket: closed 1006'],
  'a restored session is refused its first socket': [...ready, 'socket: closed 1006', 'restored by liveSession()', 'socket: refused'],
  'one socket after the other is announced to end': [...ready, ...again, ...left, '100 ms pass', ...begin, ...left],
  'a socket is left soon after a restoration': [...ready, ...again, 'restored by liveSession()', ...begin, ...left],
  'a socket is left long after another': [...ready, ...again, 'a second passes', '100 ms pass', ...again],
  'a server has an internal error once': [
    ...ready,
    'server: gives a handle',
    'server: goes away',
    'socket: closed 1006',
    'socket: opens',
    'socket: closed 1011',
    '100 ms pass',
    ...begin,
  ],
  // handles that are refused
  'an internal error goes on': [...ready, 'server: gives a handle', ...lost, 'socket: opens', 'socket: closed 1011', ...begin],
  'a loss comes soon after a refusal': [...refused, 'socket: closed 1006'],
  'a second conversation is lost, for another reason': [...refused, 'a second passes', '100 ms pass', ...lost, ...begin],
  'a goAway comes after a refusal': [
    ...ready,
    ...['server: gives a handle', ...lost, 'socket: opens', 'socket: closed 1008', ...begin, 'server: goes away in 400 ms'],
  ],
  // its end
  'a supervisor ends what the app closes': [...ready, 'app: closes', 'supervisor: shutdown'],
};
