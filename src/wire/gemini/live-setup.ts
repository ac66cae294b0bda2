/**
 * The setup message of a Gemini Live client: everything that can be asked of a session.
 *
 * Enumerations are open strings (their members are in the comments), objects are loose. What a model or a service does not support it answers with
 * a close (1007, 1008), or with no `setupComplete` at all: the deadline of the setup is the session's.
 *
 * @see Gemini API, Live API: WebSockets API reference; @google/genai 3.1.0 declarations: LiveClientSetup, GenerationConfig
 */
import { z } from 'zod';

import { anyObject, content, int64 } from './content.js';

const voice = z.looseObject({
  prebuiltVoiceConfig: z.looseObject({ voiceName: z.string().optional() }).optional(),
  replicatedVoiceConfig: anyObject.optional(),
  voice: z.string().optional(),
});

const speech = z.looseObject({
  languageCode: z.string().optional(),
  voiceConfig: voice.optional(),
  multiSpeakerVoiceConfig: z
    .looseObject({
      speakerVoiceConfigs: z.array(z.looseObject({ speaker: z.string().optional(), voiceConfig: voice.optional() })).optional(),
    })
    .optional(),
});

/** `{}` asks for transcripts; the rest refines them. */
const audioTranscription = z.looseObject({
  languageCodes: z.array(z.string()).optional(),
  languageAuto: anyObject.optional(),
  languageHints: z.looseObject({ languageCodes: z.array(z.string()).optional() }).optional(),
  customVocabulary: z.array(z.string()).optional(),
  adaptationPhrases: z.array(z.string()).optional(),
  wordTimestamp: z.boolean().optional(),
  diarization: z.boolean().optional(),
  mode: z.string().optional(),
  sourceText: z.string().optional(),
});

const generation = z.looseObject({
  /** `AUDIO`, `TEXT`. */
  responseModalities: z.array(z.string()).optional(),
  temperature: z.number().optional(),
  topP: z.number().optional(),
  topK: z.number().optional(),
  maxOutputTokens: z.number().optional(),
  candidateCount: z.number().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  stopSequences: z.array(z.string()).optional(),
  responseMimeType: z.string().optional(),
  responseSchema: anyObject.optional(),
  responseJsonSchema: z.unknown().optional(),
  /** `MEDIA_RESOLUTION_LOW | MEDIA_RESOLUTION_MEDIUM | MEDIA_RESOLUTION_HIGH`. */
  mediaResolution: z.string().optional(),
  seed: z.number().optional(),
  speechConfig: speech.optional(),
  thinkingConfig: z
    .looseObject({ includeThoughts: z.boolean().optional(), thinkingBudget: z.number().optional(), thinkingLevel: z.string().optional() })
    .optional(),
  enableAffectiveDialog: z.boolean().optional(),
  translationConfig: z.looseObject({ targetLanguageCode: z.string().optional(), echoTargetLanguage: z.boolean().optional() }).optional(),
});

const realtimeInput = z.looseObject({
  automaticActivityDetection: z
    .looseObject({
      disabled: z.boolean().optional(),
      /** `START_SENSITIVITY_HIGH | START_SENSITIVITY_LOW`. */
      startOfSpeechSensitivity: z.string().optional(),
      /** `END_SENSITIVITY_HIGH | END_SENSITIVITY_LOW`. */
      endOfSpeechSensitivity: z.string().optional(),
      prefixPaddingMs: z.number().optional(),
      silenceDurationMs: z.number().optional(),
    })
    .optional(),
  /** `START_OF_ACTIVITY_INTERRUPTS | NO_INTERRUPTION`. */
  activityHandling: z.string().optional(),
  /** `TURN_INCLUDES_ONLY_ACTIVITY | TURN_INCLUDES_ALL_INPUT | TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO`. */
  turnCoverage: z.string().optional(),
  interimTranscriptTimestampEnabled: z.boolean().optional(),
});

/**
 * Functions that the model may call, and tools that the server runs itself. `behavior` (`BLOCKING | NON_BLOCKING`) decides whether the model waits
 * for the answer.
 */
const tool = z.looseObject({
  functionDeclarations: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        description: z.string().optional(),
        behavior: z.string().optional(),
        parameters: anyObject.optional(),
        parametersJsonSchema: z.unknown().optional(),
        response: anyObject.optional(),
        responseJsonSchema: z.unknown().optional(),
      }),
    )
    .optional(),
  googleSearch: anyObject.optional(),
  googleSearchRetrieval: anyObject.optional(),
  googleMaps: anyObject.optional(),
  codeExecution: anyObject.optional(),
  urlContext: anyObject.optional(),
  fileSearch: anyObject.optional(),
  computerUse: anyObject.optional(),
  retrieval: anyObject.optional(),
  enterpriseWebSearch: anyObject.optional(),
  mcpServers: z.array(anyObject).optional(),
});

/** A list of tools. @see {@link tool} */
export const tools = z.array(tool);

/**
 * The first message, sent once. `model` is a path (see `modelPath`). Token counts are int64, so strings; a number is read as one.
 * `transparent` must not be sent to the Developer API, `explicitVadSignal` only to Vertex.
 */
export const setup = z.looseObject({
  model: z.string(),
  generationConfig: generation.optional(),
  systemInstruction: content.optional(),
  tools: tools.optional(),
  /** `{}` asks for handles, `{ handle }` resumes. */
  sessionResumption: z.looseObject({ handle: z.string().optional(), transparent: z.boolean().optional() }).optional(),
  contextWindowCompression: z
    .looseObject({ triggerTokens: int64.optional(), slidingWindow: z.looseObject({ targetTokens: int64.optional() }).optional() })
    .optional(),
  realtimeInputConfig: realtimeInput.optional(),
  inputAudioTranscription: audioTranscription.optional(),
  outputAudioTranscription: audioTranscription.optional(),
  proactivity: z.looseObject({ proactiveAudio: z.boolean().optional(), proactiveVideo: z.boolean().optional() }).optional(),
  /** Whether `clientContent` is history up to its first `turnComplete`: the model reads it and does not answer. */
  historyConfig: z.looseObject({ initialHistoryInClientContent: z.boolean().optional() }).optional(),
  explicitVadSignal: z.boolean().optional(),
  avatarConfig: z
    .looseObject({
      avatarName: z.string().optional(),
      customizedAvatar: z.looseObject({ imageMimeType: z.string().optional(), imageData: z.string().optional() }).optional(),
      audioBitrateBps: z.number().optional(),
      videoBitrateBps: z.number().optional(),
    })
    .optional(),
  safetySettings: z
    .array(z.looseObject({ category: z.string().optional(), threshold: z.string().optional(), method: z.string().optional() }))
    .optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
/** The body of the setup message, read. @see {@link setup} */
export type LiveSetup = z.infer<typeof setup>;
