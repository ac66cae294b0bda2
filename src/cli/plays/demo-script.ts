/** What the local server says and calls in the demo. */
import type { Step } from '../../testing/gemini-server/steps.js';

/** What the user says, in order. */
export const questions = {
  parallel: 'What is the weather in Oslo, and what time is it there?',
  throwing: 'And what is a share of Norsk Hydro worth?',
  slow: 'Then search the national library for a good book on fjords.',
  neverMind: 'Never mind, that takes too long.',
} as const;

/** Ms. */
const aDay = 86_400_000;

const accepted: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: { sessionId: 'demo' } } }];
const parallelTools: readonly Step[] = [
  {
    callTools: [
      { id: 'call-1', name: 'weather', args: { city: 'Oslo' } },
      { id: 'call-2', name: 'time', args: { city: 'Oslo' } },
    ],
  },
  { awaitAnswers: ['call-1', 'call-2'] },
  { say: ['It is 14:05 in Oslo, 12 °C, ', 'with light rain.'] },
];
const throwingTool: readonly Step[] = [
  { callTools: [{ id: 'call-3', name: 'shares_price', args: { company: 'Norsk Hydro' } }] },
  { expect: 'toolResponse', match: { functionResponses: [{ id: 'call-3', response: { error: 'the stock exchange is closed' } }] } },
  { say: 'I cannot tell you: the stock exchange is closed.' },
];

/** The server's part: deaf to what exactly is said, but not to how calls are answered. */
export const demoScript: readonly Step[] = [
  ...accepted,

  // With `--inspect` the first word is said when somebody looks.
  { expect: 'clientContent', deadlineMs: aDay },
  ...parallelTools,

  { expect: 'clientContent' },
  ...throwingTool,

  { expect: 'clientContent' },
  { callTools: [{ id: 'call-4', name: 'library_search', args: { question: 'a good book on fjords' } }] },
  { expect: 'clientContent' },
  { cancel: ['call-4'] },
  { interrupt: true },
  { say: 'All right, I have stopped the search.' },
];

/** What is asked with `--live`: no more than a model that is not scripted can be trusted with. */
export const liveQuestions = [
  'What is the weather in Oslo, and what time is it there? Use both tools at once.',
  'And what is a share of Norsk Hydro worth? Use your tool.',
] as const;

/** The server's part of that. */
export const liveScript: readonly Step[] = [...accepted, { expect: 'realtimeInput' }, ...parallelTools, { expect: 'realtimeInput' }, ...throwingTool];
