/** generateContent, streamed and whole, by the client of the package. */
import { generateContent, type GenerateOutcome, streamGenerateContent } from '../../../src/stream/generate.js';
import { type Asking, type Client, type Heard, key } from './client.js';
import { contentOf } from './expected-candidate.js';

type Options = Parameters<typeof streamGenerateContent>[0];

export const askStreamed: Client = async (request, url) => {
  const stream = streamGenerateContent(optionsFor(request, url));
  const events: unknown[] = [];
  let thrown: string | null = null;
  try {
    for await (const event of stream) events.push(event);
  } catch (error) {
    thrown = String((error as { code?: unknown }).code);
  }
  const outcome = await stream.ended();
  if (thrown !== (outcome.ok ? null : 'stream/ended'))
    throw new Error(`the loop ended by ${thrown}, the stream by ${JSON.stringify(outcome).slice(0, 200)}`);
  return { events, ...heardOf(outcome), leftovers: JSON.stringify(stream.ref.getPersistedSnapshot()) };
};

export const askWhole: Client = async (request, url) => ({ events: [], ...heardOf(await generateContent(optionsFor(request, url))) });

/** One attempt: a recording answers once. */
function optionsFor({ service, apiVersion, model, body }: Asking, baseUrl: string): Options {
  const request = (body ?? { contents: [{ role: 'user', parts: [{ text: 'not recorded' }] }] }) as Options['request'];
  const common = { baseUrl, model: model ?? 'not-recorded', request, retry: { attempts: 1 }, headers: { connection: 'close' } };
  const version = apiVersion === null ? {} : { apiVersion };
  if (service !== 'vertex') return { ...common, ...version, apiKey: key };
  return { ...common, ...version, vertex: { project: 'recorded', location: 'us-central1', accessToken: key } };
}

function heardOf(outcome: GenerateOutcome): Pick<Heard, 'answer' | 'end'> {
  const answer = outcome.ok ? outcome.answer : outcome.partial;
  const others = answer?.others.map((one) => ({ ...one, content: contentOf(one.content) }));
  return {
    answer: answer === null ? null : { ...answer, others, content: contentOf(answer.content) },
    end: outcome.ok ? { ok: true, outcome: '' } : { ok: false, ...outcome.failure },
  };
}
