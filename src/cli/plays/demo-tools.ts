/** The tools of the demo: one quick, one slow, one that throws, one that takes too long for its user. */
import type { LiveTool, LiveTools } from '../../live/tool-plan.js';
import { pause } from '../stage/pause.js';
import type { Stage } from '../stage/stage.js';

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const shares = { type: 'object', properties: { company: { type: 'string' } }, required: ['company'] };
const question = { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] };

export function demoTools({ clock }: Stage, told: (name: string, words: string) => void): LiveTools {
  const weather: LiveTool = {
    description: 'The weather in a city now.',
    parameters: city,
    async execute(args, { signal }) {
      await pause(700, signal, clock);
      return { city: args['city'], sky: 'light rain', celsius: 12 };
    },
  };
  const time: LiveTool = {
    description: 'The local time in a city.',
    parameters: city,
    async execute(args, { signal }) {
      await pause(350, signal, clock);
      return { city: args['city'], time: '14:05' };
    },
  };
  const shares_price: LiveTool = {
    description: 'The price of a share at the stock exchange.',
    parameters: shares,
    async execute(_args, { signal }) {
      await pause(300, signal, clock);
      throw new Error('the stock exchange is closed');
    },
  };
  const library_search: LiveTool = {
    description: 'Searches every book of the national library. Takes a minute.',
    parameters: question,
    async execute(_args, { signal }) {
      signal.addEventListener('abort', () => told('library_search', `its signal aborted: ${(signal.reason as Error).message}`), {
        once: true,
      });
      await pause(60_000, signal, clock);
      return { found: 0 };
    },
  };
  return { weather, time, shares_price, library_search };
}
