/** Paths into the corners of a Live session that lie deep: what was remembered once must be forgotten in time. */
import type { sessionMachine } from '../../../machines/live/session.js';
import type { Model } from '../model/model.js';

const begin = ['socket: opens', 'server: setupComplete'];
const ready = ['a session', ...begin] as const;
const gated = ['a session behind a gate', 'gate: lets it pass', ...begin] as const;
const called = [...ready, 'server: calls a'] as const;
const turn = ['server: the model speaks', 'server: the turn is over'];
const lost = ['socket: closed 1006', '100 ms pass'];
const left = ['server: gives a handle', 'server: goes away', 'socket: closed 1006'];
/** A socket is left, and the next is ready. */
const again = [...left, ...begin];
const unheard = ['socket: opens', '100 ms pass', '100 ms pass'];
/** Resumed by a handle, which is older than what comes now. */
const unheardOf = ['a session with a handle', ...begin] as const;
/** The server does not know the handle that the app gave. */
const refused = ['a session with a handle', 'socket: opens', 'socket: closed 1008', ...begin] as const;

export const corners: NonNullable<Model<typeof sessionMachine>['corners']> = {
  // calls and their answers
  'an answer is written': [...called, 'a answers', 'uplink: an answer is written'],
  'a call is taken back while its answer waits': [...called, 'a answers', 'server: cancels a'],
  'a call is taken back too late': [...called, 'a answers', 'server: cancels a, whose answer is being written'],
  'a handle from before the setup does not stand for what is owed': [
    ...ready,
    ...['server: gives a handle', 'server: calls a', 'a answers', 'uplink: an answer is written', ...lost],
    ...['socket: opens', 'server: gives a handle', 'server: setupComplete', 'server: goes away'],
  ],
  'a former call comes before its new conversation is accepted': [...called, ...lost, 'socket: opens', 'server: calls a', 'server: setupComplete'],
  'so does one that was answered': [
    ...called,
    ...['a answers', 'uplink: an answer is written', ...lost, 'socket: opens', 'server: calls a', 'server: setupComplete', 'a answers'],
  ],
  'so does one that a resumed conversation had not heard of': [
    ...unheardOf,
    ...['server: calls a', ...lost, 'socket: opens', 'server: calls a', 'server: setupComplete', 'a answers'],
  ],
  'and one that was answered there': [
    ...unheardOf,
    ...['server: calls a', 'a answers', 'uplink: an answer is written', ...lost],
    ...['socket: opens', 'server: calls a', 'server: setupComplete', 'uplink: an answer is written'],
  ],
  'a call comes for which an answer waits that nobody asked for': [...ready, 'app: answers a call of another process', 'server: calls old'],
  'and before its new conversation is accepted': [
    ...ready,
    ...[...lost, 'socket: opens', 'app: answers a call of another process', 'server: calls old', 'server: setupComplete'],
  ],
  'and in a conversation that began afresh': [...ready, ...lost, ...begin, 'app: answers a call of another process', 'server: calls old'],
  'an answer that the model did not wait for makes the handle old': [
    ...ready,
    ...['server: calls later', 'server: gives a handle', 'later answers', 'uplink: an answer is written', 'server: goes away'],
  ],
  'so it does once the turn is over that made the call': [
    ...ready,
    ...['server: calls later', 'server: the turn is over', 'server: gives a handle', 'later answers', 'uplink: an answer is written'],
    'server: goes away',
  ],
  'an answered call is a turn that was asked for': [
    ...called,
    ...['server: goes away', 'a answers', 'uplink: an answer is written', 'server: gives a handle', ...turn, 'server: gives a handle'],
  ],
  'so it is after the turn that made the call': [
    ...called,
    ...['server: the turn is over', 'server: goes away', 'a answers', 'uplink: an answer is written', 'server: gives a handle'],
  ],
  'and beside one that the app asked for': [
    ...called,
    ...['app: says hello', 'a answers', 'uplink: an answer is written', ...turn, 'server: gives a handle', 'server: goes away'],
  ],
  'a socket is not left while the model begins to speak': [...ready, 'server: goes away', 'server: the model speaks, with a handle'],
  'nor where it was interrupted before a word': [...ready, 'server: goes away', 'server: interrupted, with a handle'],
  'nor while the user begins to speak': [...ready, 'server: goes away', 'server: hears that the user speaks, with a handle'],
  'nor while the uplink writes what waited, which the handle does not stand for': [
    'a session',
    ...['socket: opens', 'uplink: is given half a turn, past the chart, which waits'],
    ...['server: gives a handle', 'server: goes away', 'server: setupComplete', 'server: gives a handle'],
  ],
  'a turn that was asked for is awaited': [...ready, 'app: says hello', 'server: gives a handle', 'server: goes away'],
  'a turn that was asked for while another is spoken is awaited beyond its end': [
    ...ready,
    ...['server: gives a handle', 'server: the model speaks', 'app: says hello', 'server: the turn is over', 'server: gives a handle'],
    ...['server: goes away', 'server: the model speaks', 'server: the turn is over', 'server: gives a handle'],
  ],
  'so is one that was asked for before an interruption': [
    ...ready,
    ...[
      'server: the model speaks',
      'app: says hello',
      'server: interrupted',
      'server: the turn is over',
      'server: gives a handle',
      'server: goes away',
    ],
  ],
  'and one during a call that is taken back': [
    ...called,
    ...['app: says hello', 'server: cancels a', 'server: the turn is over', 'server: gives a handle', 'server: goes away'],
  ],
  'what comes after an interruption is of the next turn': [
    ...ready,
    ...['server: the model speaks', 'server: interrupted', 'app: says hello', ...turn, 'server: gives a handle', 'server: goes away'],
  ],
  'no turn is awaited that was asked for over a lost socket': [
    ...ready,
    ...['app: says hello', ...lost, ...begin, 'server: gives a handle', 'server: goes away'],
  ],
  'nor over one that had to be left': [
    ...ready,
    ...['server: gives a handle', 'app: says hello', 'server: goes away in 400 ms', '100 ms pass', '100 ms pass', 'socket: closed 1006', ...begin],
    ...['server: gives a handle', 'a second passes', 'server: goes away'],
  ],
  'a turn that was spoken over a lost socket is over': [
    ...ready,
    ...['server: the model speaks', ...lost, ...begin, 'app: says hello', ...turn, 'server: gives a handle', 'server: goes away'],
  ],
  'one that was asked for between two sockets is awaited over the next': [
    ...ready,
    ...['socket: closed 1006', 'app: says hello', '100 ms pass', ...begin, 'server: gives a handle', 'server: goes away'],
  ],
  'a history is written again to a conversation that has not had it': [
    ...ready,
    ...['server: gives a handle', 'uplink: the history is written', ...lost, ...begin],
  ],
  'a history that a handle stands for is not': [...ready, ...['uplink: the history is written', 'server: gives a handle', ...lost, ...begin]],
  'for an answer that nobody asked for there is no room': [
    ...ready,
    ...['app: answers a call of another process', 'uplink: has no room for an answer that nobody had asked for'],
  ],
  'an answer that nobody asked for is written again': [
    ...ready,
    ...['server: gives a handle', 'app: answers a call of another process', 'uplink: an answer is written', ...lost, ...begin],
  ],
  'no turn is awaited of another process': [
    ...ready,
    ...['server: gives a handle', 'app: has sent a turn, past the chart', 'restored by liveSession()', ...begin],
    ...['server: gives a handle', 'server: goes away'],
  ],
  'an answer that nobody asked for makes the handle old': [
    ...ready,
    ...['server: gives a handle', 'app: answers a call of another process', 'server: goes away'],
  ],
  'an answer that nobody asked for goes with the conversation': [...ready, ...lost, 'app: answers a call of another process', ...begin],
  'an answer that waits once more goes with its call': [
    ...called,
    ...['a answers', 'uplink: an answer is written', 'server: calls a', 'server: calls a for another city'],
  ],
  'an answer is written once more, and no handle from before stands for it': [
    ...called,
    ...[
      'a answers',
      'uplink: an answer is written',
      'server: calls a',
      'server: gives a handle',
      'server: goes away',
      'uplink: an answer is written',
    ],
    'server: gives a handle',
  ],
  'such a call comes again, and runs': [...called, 'a answers', 'server: cancels a, whose answer is being written', 'server: calls a', 'a answers'],
  'answers wait while the conversation is lost': [
    ...called,
    ...['server: calls later', 'socket: closed 1006', 'a answers', 'later answers', '100 ms pass', ...begin],
  ],
  'a part of an answer makes the handle old': [
    ...ready,
    ...['server: calls later', 'server: gives a handle', 'app: answers later in part', 'server: cancels later', 'server: goes away'],
  ],
  'an answer that was taken back leaves the handle as it was': [
    ...called,
    ...['server: gives a handle', 'a answers', 'server: cancels a', 'server: goes away'],
  ],
  'a turn of the app makes the handle old': [...ready, 'server: gives a handle', 'app: says hello', 'server: goes away'],
  'so does one past the chart': [...ready, 'server: gives a handle', 'app: has sent a turn, past the chart', 'server: goes away'],
  'and what the user says': [...ready, 'server: gives a handle', 'app: lets the user be heard', 'server: goes away'],
  'what the model says makes the handle old': [
    ...ready,
    ...['server: gives a handle', 'server: the model speaks', 'server: the turn is over', 'server: goes away'],
  ],
  'what the server hears makes the handle old': [
    ...ready,
    ...['server: gives a handle', 'server: hears that the user speaks', 'server: hears that the user has spoken', 'server: goes away'],
  ],
  'the user speaks over the model, and on': [
    ...ready,
    ...['server: the model speaks', 'app: the user speaks', 'server: interrupted', 'server: the turn is over', 'app: the user has spoken'],
  ],
  'the user speaks over the model, which ends first': [...ready, 'server: the model speaks', 'app: the user speaks', 'server: the turn is over'],
  'the model speaks over the user': [...ready, 'app: the user speaks', ...turn, 'app: the user has spoken'],
  'the user is heard before the model is interrupted': [...ready, 'app: the user speaks', 'server: interrupted', 'server: the turn is over'],
  'the user speaks over the model, and ends first': [
    ...ready,
    ...['server: the model speaks', 'app: the user speaks', 'app: the user has spoken', 'server: the turn is over'],
  ],
  'the user speaks over the model, but the socket is lost': [
    ...ready,
    ...['server: the model speaks', 'app: the user speaks', ...lost, ...begin, 'server: the model speaks', 'server: the turn is over'],
  ],
  'the next setup has what the app replaced': [...ready, 'app: has replaced the instruction', ...lost, ...begin],
  'it has nothing that is only asked for': [...ready, 'app: asks to have the instruction replaced', ...lost, ...begin],
  'an instruction that is replaced makes the handle old': [
    ...ready,
    ...['server: gives a handle', 'app: has replaced the instruction', 'server: goes away'],
  ],
  'the user who spoke over the model is silent when it speaks again': [
    ...ready,
    ...['server: the model speaks', 'app: the user speaks', 'server: the turn is over', 'app: the user has spoken', ...turn],
  ],
  'the same after an interruption': [
    ...ready,
    ...['app: the user speaks', 'server: interrupted', 'server: the turn is over', 'app: the user has spoken', ...turn],
  ],
  'the user is heard twice': [
    ...ready,
    ...['app: the user speaks', 'server: interrupted', 'app: the user speaks', 'app: the user has spoken', ...turn],
  ],
  'the user ends before the interrupted turn does': [
    ...ready,
    ...['app: the user speaks', 'server: interrupted', 'app: the user has spoken', 'server: the turn is over'],
  ],
  'a handle that comes while an answer waits does not know of it': [
    ...called,
    ...['a answers', 'server: gives a handle', 'uplink: an answer is written', 'server: goes away'],
  ],
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
  // behind a gate
  'the permit is lost while it is ready': [...gated, 'gate: takes the permit back'],
  'the permit is kept while it backs off, and lost there': [...gated, 'socket: closed 1006', 'gate: takes the permit back'],
  'a session behind a gate goes on in another process': [
    ...gated,
    ...['server: calls a', 'restored by liveSession()', 'gate: lets it pass', ...begin],
  ],
  'it waits at its gate in another process': ['a session behind a gate', 'restored by XState alone', 'gate: lets it pass', ...begin],
  // its end
  'a supervisor ends what the app closes': [...ready, 'app: closes', 'supervisor: shutdown'],
};
