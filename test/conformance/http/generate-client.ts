/** generateContent, streamed and whole, by the client of the package. */
import { generateContent, type GenerateOutcome, streamGenerateContent } from '../../../src/stream/generate.js';
import { addressOf, type Asking, type Client, follow, type Heard } from './client.js';
import { contentOf } from './expected-candidate.js';

type Options = Parameters<typeof streamGenerateContent>[0];

export const askStreamed: Client = async (request, url) => {
  const { outcome, ...told } = await follow(streamGenerateContent(optionsFor(request, url)));
  return { ...told, ...heardOf(outcome) };
};

export const askWhole: Client = async (request, url) => ({ events: [], ...heardOf(await generateContent(optionsFor(request, url))) });

function optionsFor(asking: Asking, baseUrl: string): Options {
  const { body, model } = asking;
  const request = (body ?? { contents: [{ role: 'user', parts: [{ text: 'not recorded' }] }] }) as Options['request'];
  return { ...addressOf(asking, baseUrl), model: model ?? 'not-recorded', request };
}

function heardOf(outcome: GenerateOutcome): Pick<Heard, 'answer' | 'end'> {
  const answer = outcome.ok ? outcome.answer : outcome.partial;
  const others = answer?.others.map((one) => ({ ...one, content: contentOf(one.content) }));
  return {
    answer: answer === null ? null : { ...answer, others, content: contentOf(answer.content) },
    end: outcome.ok ? { ok: true, outcome: '' } : { ok: false, ...outcome.failure },
  };
}
