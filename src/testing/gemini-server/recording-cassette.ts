/**
 * Recorded Live sessions as pydantic-ai keeps them: YAML with `interactions`, each a message (`direction` sent or received, `data` the decoded
 * JSON, snake_case where Python's client wrote it) or a close (`code`, `reason`).
 *
 * The YAML library is an optional peer, loaded when the first cassette is read: whoever replays none need not install it, and neither the main
 * entry nor `espalier/testing` imports it. By `require`, so that reading a recording stays a plain call.
 */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { ScalarTag, Tags } from 'yaml';

import { EspalierError } from '../../errors.js';
import { invalidRecording, isObject, maxFrames, type RecordedClose, type RecordedFrame, type Recording } from './recording-frames.js';

/**
 * Reads a cassette.
 * @throws EspalierError `gemini-server/invalid-recording`: the interaction at which it stops being one; `testing/missing-peer` where the
 *         package yaml is not installed
 */
export function readCassette(text: string): Recording {
  const cassette = parseYaml(text);
  const interactions = isObject(cassette) ? cassette['interactions'] : undefined;
  if (!Array.isArray(interactions)) throw invalidRecording('a cassette: YAML with a list of interactions', text.slice(0, 80));
  if (interactions.length > maxFrames) throw invalidRecording(`at most ${maxFrames} interactions`, interactions.length);
  const frames: RecordedFrame[] = [];
  const closes: RecordedClose[] = [];
  for (const [index, interaction] of (interactions as readonly unknown[]).entries()) {
    const { kind = 'message', direction, data, code, reason = '' } = isObject(interaction) ? interaction : {};
    if (kind === 'close' && Number.isInteger(code) && typeof reason === 'string') {
      closes.push({ afterFrames: frames.length, code: code as number, reason });
    } else if (kind === 'message' && (direction === 'sent' || direction === 'received') && isObject(data)) {
      frames.push({ from: direction === 'sent' ? 'client' : 'server', text: JSON.stringify(data) });
    } else {
      throw invalidRecording(`interaction ${index}: a message (direction: sent or received, data: a mapping) or a close (code, reason)`, interaction);
    }
  }
  return { frames, closes };
}

/** Python writes YAML 1.1, where `0o17` and `1e3` are strings; `y` is one in both, but not in every reader of 1.1. So: 1.2, without those two numbers. */
function pythonTags(tags: Tags): Tags {
  const isNumberOfYaml12 = (tag: Tags[number]): boolean => {
    const { tag: name, format } = tag as ScalarTag;
    return name === 'tag:yaml.org,2002:int' && format === 'OCT';
  };
  const withPoint = (tag: Tags[number]): Tags[number] => {
    const scalar = tag as ScalarTag;
    return scalar.format === 'EXP' ? { ...scalar, test: /^[-+]?\d+\.\d*[eE][-+]?\d+$/ } : tag;
  };
  return tags.filter((tag) => !isNumberOfYaml12(tag)).map(withPoint);
}

function parseYaml(text: string): unknown {
  const { parse } = loadYaml();
  try {
    return parse(text, { schema: 'core', customTags: pythonTags, logLevel: 'error' });
  } catch (cause) {
    const [firstLine = ''] = (cause as Error).message.split('\n');
    throw invalidRecording(`a cassette in YAML (${firstLine.slice(0, 120)})`, text.slice(0, 80), cause);
  }
}

function loadYaml(): typeof Yaml {
  try {
    return createRequire(import.meta.url)('yaml') as typeof Yaml;
  } catch (cause) {
    throw new EspalierError(
      'testing/missing-peer',
      { expected: 'the package yaml (^2) to read a cassette: npm install --save-dev yaml', got: String((cause as { code?: unknown }).code) },
      { cause },
    );
  }
}
