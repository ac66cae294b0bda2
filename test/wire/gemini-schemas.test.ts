import { describe, expect, it } from 'vitest';

import { parseClientMessage, parseServerMessage } from '../../src/wire/gemini/live.js';

const blob = { mimeType: 'audio/pcm;rate=16000', data: 'AAA=', displayName: 'a' };
const file = { fileUri: 'f', mimeType: 'm', displayName: 'd' };
const transcript = {
  text: 't',
  finished: true,
  languageCode: 'de-CH',
  speakerLabel: 's',
  words: [{ word: 't', startOffset: '0s', endOffset: '1s' }],
  startOffset: '0s',
  endOffset: '1s',
};
const content = {
  role: 'user',
  parts: [
    {
      text: 't',
      thought: true,
      thoughtSignature: 'AAA=',
      inlineData: blob,
      fileData: file,
      functionCall: { id: 'a', name: 'n', args: { a: 1 }, partialArgs: [{}], willContinue: true },
      functionResponse: { id: 'a', name: 'n', response: {} },
      executableCode: { language: 'PYTHON', code: '1', id: 'i' },
      codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1', id: 'i' },
      toolCall: {},
      toolResponse: {},
      audioTranscription: transcript,
      videoMetadata: {},
      mediaResolution: { level: 'l', numTokens: 1 },
      speechMetadata: { speaker: 's', style: 's' },
      partMetadata: {},
    },
  ],
};
const voice = { prebuiltVoiceConfig: { voiceName: 'v' }, replicatedVoiceConfig: {}, voice: 'v' };
const transcription = {
  languageCodes: ['de'],
  languageAuto: {},
  languageHints: { languageCodes: ['de'] },
  customVocabulary: ['w'],
  adaptationPhrases: ['p'],
  wordTimestamp: true,
  diarization: true,
  mode: 'm',
  sourceText: 's',
};
const tools = [
  {
    functionDeclarations: [{ name: 'n', description: 'd', behavior: 'NON_BLOCKING', parameters: {}, response: {} }],
    googleSearch: {},
    googleSearchRetrieval: {},
    googleMaps: {},
    codeExecution: {},
    urlContext: {},
    fileSearch: {},
    computerUse: {},
    retrieval: {},
    enterpriseWebSearch: {},
    mcpServers: [{}],
  },
];
const details = [{ modality: 'AUDIO', tokenCount: 1 }];

/** One of each message, with every field. */
const clientMessages = [
  {
    setup: {
      model: 'models/m',
      generationConfig: {
        responseModalities: ['AUDIO'],
        temperature: 0.5,
        topP: 0.5,
        topK: 3,
        maxOutputTokens: 100,
        candidateCount: 1,
        presencePenalty: 1,
        frequencyPenalty: 1,
        stopSequences: ['s'],
        responseMimeType: 'm',
        responseSchema: {},
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
        seed: 7,
        speechConfig: {
          languageCode: 'de-CH',
          voiceConfig: voice,
          multiSpeakerVoiceConfig: { speakerVoiceConfigs: [{ speaker: 's', voiceConfig: voice }] },
        },
        thinkingConfig: { includeThoughts: true, thinkingBudget: 0, thinkingLevel: 'LOW' },
        enableAffectiveDialog: true,
        translationConfig: { targetLanguageCode: 'fr', echoTargetLanguage: true },
      },
      systemInstruction: content,
      tools,
      sessionResumption: { handle: 'h', transparent: true },
      contextWindowCompression: { triggerTokens: '25600', slidingWindow: { targetTokens: '12800' } },
      realtimeInputConfig: {
        automaticActivityDetection: {
          disabled: false,
          startOfSpeechSensitivity: 'START_SENSITIVITY_HIGH',
          endOfSpeechSensitivity: 'END_SENSITIVITY_LOW',
          prefixPaddingMs: 20,
          silenceDurationMs: 100,
        },
        activityHandling: 'NO_INTERRUPTION',
        turnCoverage: 'TURN_INCLUDES_ALL_INPUT',
        interimTranscriptTimestampEnabled: true,
      },
      inputAudioTranscription: transcription,
      outputAudioTranscription: transcription,
      proactivity: { proactiveAudio: true, proactiveVideo: false },
      historyConfig: { initialHistoryInClientContent: true },
      explicitVadSignal: true,
      avatarConfig: { avatarName: 'a', customizedAvatar: { imageMimeType: 'm', imageData: 'AAA=' }, audioBitrateBps: 1, videoBitrateBps: 1 },
      safetySettings: [{ category: 'c', threshold: 't', method: 'm' }],
      labels: { a_label: 'b' },
    },
  },
  { clientContent: { turns: [content], turnComplete: true } },
  {
    realtimeInput: {
      audio: blob,
      video: blob,
      text: 't',
      activityStart: {},
      activityEnd: {},
      audioStreamEnd: true,
      mediaChunks: [blob],
    },
  },
  {
    toolResponse: {
      functionResponses: [
        {
          id: 'a',
          name: 'n',
          response: { output: 1 },
          parts: [{ inlineData: blob, fileData: file }],
          scheduling: 'WHEN_IDLE',
          willContinue: false,
        },
      ],
    },
  },
  { contextUpdate: { systemInstruction: content, tools: { tools } } },
];

const serverMessages = [
  { setupComplete: { sessionId: 's', voiceConsentSignature: { signature: 's' } } },
  {
    serverContent: {
      modelTurn: content,
      turnComplete: true,
      interrupted: true,
      generationComplete: true,
      inputTranscription: transcript,
      interimInputTranscription: transcript,
      outputTranscription: transcript,
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'u', title: 't', domain: 'd' }, retrievedContext: {}, maps: {}, image: {} }],
        groundingSupports: [
          {
            segment: { startIndex: 0, endIndex: 1, partIndex: 0, text: 't' },
            groundingChunkIndices: [0],
            confidenceScores: [0.5],
            renderedParts: [0],
          },
        ],
        webSearchQueries: ['q'],
        imageSearchQueries: ['q'],
        retrievalQueries: ['q'],
        retrievalMetadata: {},
        searchEntryPoint: { renderedContent: '<a>', sdkBlob: 'AAA=' },
        googleMapsWidgetContextToken: 't',
        sourceFlaggingUris: [{}],
      },
      urlContextMetadata: { urlMetadata: [{ retrievedUrl: 'u', urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_SUCCESS' }] },
      turnCompleteReason: 'MALFORMED_FUNCTION_CALL',
      waitingForInput: true,
      interactionStatus: 'IDLE',
    },
  },
  { toolCall: { functionCalls: [{ id: 'a', name: 'n', args: { a: 1 }, partialArgs: [{}], willContinue: true }] } },
  { toolCallCancellation: { ids: ['a'] } },
  { goAway: { timeLeft: '50s' } },
  { sessionResumptionUpdate: { newHandle: 'h', resumable: true, lastConsumedClientMessageIndex: '12' } },
  { voiceActivity: { voiceActivityType: 'ACTIVITY_START', audioOffset: '1.5s' } },
  { voiceActivityDetectionSignal: { vadSignalType: 'VAD_SIGNAL_TYPE_SOS' } },
  {
    usageMetadata: {
      promptTokenCount: 1,
      responseTokenCount: 1,
      candidatesTokenCount: 1,
      thoughtsTokenCount: 1,
      toolUsePromptTokenCount: 1,
      cachedContentTokenCount: 1,
      totalTokenCount: 1,
      promptTokensDetails: details,
      responseTokensDetails: details,
      candidatesTokensDetails: details,
      toolUsePromptTokensDetails: details,
      cacheTokensDetails: details,
      trafficType: 'ON_DEMAND',
      serviceTier: 'standard',
    },
  },
];

/** The app's own keys: whatever they hold is right. */
const opaque = ['args.', 'response.', 'partialArgs.0.'];

/** Every place of a message. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return [[...path], ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

/** The message with something wrong in one place: an object where none belongs, and a number instead of an object. */
function wrongAt(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return typeof value === 'object' ? 7 : { wrong: true };
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = wrongAt(copy[key], rest);
  return copy;
}

describe.each([
  ['client', clientMessages, parseClientMessage],
  ['server', serverMessages, parseServerMessage],
] as const)('a message of the %s', (_, messages, parse) => {
  it.each(messages.map((message) => [Object.keys(message)[0] ?? '', message] as const))(
    '%s is read as it came, every field of it',
    (kind, message) => {
      expect(parse(JSON.stringify(message))).toEqual({ ok: true, message, kinds: [kind], unknown: [], faults: [] });
    },
  );

  it.each(messages.map((message) => [Object.keys(message)[0] ?? '', message] as const))(
    '%s with one misshapen field says which',
    (_kind, message) => {
      const tried = places(message)
        .slice(1)
        .filter((path) => !opaque.some((field) => path.join('.').includes(field)));
      for (const path of tried) {
        const read = parse(JSON.stringify(wrongAt(message, path)));
        const detail = read.ok ? read.faults.map((fault) => fault.detail).join() : read.detail;
        // A misshapen call is told of by its own field.
        const expected = /functionCall(?:s\.0)?\.\w+$/.test(path.join('.')) ? (path.at(-1) ?? '') : path.filter((key) => key !== '0').at(-1);
        expect({ path, detail }).toEqual({ path, detail: expect.stringContaining(expected ?? '?') });
      }
    },
  );
});

it('numbers of 64 bits are strings, also where a client wrote numbers', () => {
  const setup = { model: 'm', context_window_compression: { trigger_tokens: 25_600, sliding_window: { target_tokens: 12_800 } } };
  expect(parseClientMessage(JSON.stringify({ setup }))).toMatchObject({
    message: { setup: { contextWindowCompression: { triggerTokens: '25600', slidingWindow: { targetTokens: '12800' } } } },
  });
  expect(parseServerMessage('{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":12}}')).toMatchObject({
    message: { sessionResumptionUpdate: { lastConsumedClientMessageIndex: '12' } },
  });
});

it('an update of the context tells "no tools" from "the same tools"', () => {
  for (const contextUpdate of [{}, { tools: {} }, { tools: { tools: [] } }]) {
    expect(parseClientMessage(JSON.stringify({ contextUpdate }))).toMatchObject({ ok: true, message: { contextUpdate } });
  }
});

it('a field that no schema knows is passed on, however deep it stands', () => {
  const setup = { model: 'm', generationConfig: { speechConfig: { voiceConfig: { newVoice: [1] } } }, newField: { a: 1 } };
  expect(parseClientMessage(JSON.stringify({ setup, newKind: {} }))).toMatchObject({ message: { setup, newKind: {} }, unknown: ['newKind'] });
  const serverContent = { groundingMetadata: { groundingChunks: [{ newSource: { a: 1 } }] } };
  expect(parseServerMessage(JSON.stringify({ serverContent }))).toMatchObject({ message: { serverContent }, faults: [] });
});
