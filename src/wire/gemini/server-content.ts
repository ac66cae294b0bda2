/**
 * What a Gemini Live server tells of the model's turn, and of what it cost.
 *
 * Enumerations are open strings, objects are loose.
 *
 * @see Gemini API, Live API: WebSockets API reference; @google/genai 3.1.0 declarations: LiveServerContent, GroundingMetadata, UsageMetadata
 */
import { z } from 'zod';

import { anyObject, content, functionCallOrFault, part, transcription } from './content.js';

/** As `part`, but a misshapen call stays, as a call of no tool: an id that the server waits for must not get lost. */
export const serverPart = part.extend({
  functionCall: functionCallOrFault
    .nullish()
    .transform((call) => call ?? undefined)
    .optional(),
});

/** The model's side of the conversation. */
export const modelTurn = content.extend({ parts: z.array(serverPart).optional() });

const groundingMetadata = z.looseObject({
  groundingChunks: z
    .array(
      z.looseObject({
        web: z.looseObject({ uri: z.string().optional(), title: z.string().optional(), domain: z.string().optional() }).optional(),
        retrievedContext: anyObject.optional(),
        maps: anyObject.optional(),
        image: anyObject.optional(),
      }),
    )
    .optional(),
  groundingSupports: z
    .array(
      z.looseObject({
        segment: z
          .looseObject({
            startIndex: z.number().optional(),
            endIndex: z.number().optional(),
            partIndex: z.number().optional(),
            text: z.string().optional(),
          })
          .optional(),
        groundingChunkIndices: z.array(z.number()).optional(),
        confidenceScores: z.array(z.number()).optional(),
        renderedParts: z.array(z.number()).optional(),
      }),
    )
    .optional(),
  webSearchQueries: z.array(z.string()).optional(),
  imageSearchQueries: z.array(z.string()).optional(),
  retrievalQueries: z.array(z.string()).optional(),
  retrievalMetadata: anyObject.optional(),
  searchEntryPoint: z.looseObject({ renderedContent: z.string().optional(), sdkBlob: z.string().optional() }).optional(),
  googleMapsWidgetContextToken: z.string().optional(),
  sourceFlaggingUris: z.array(anyObject).optional(),
});

const urlContextMetadata = z.looseObject({
  urlMetadata: z.array(z.looseObject({ retrievedUrl: z.string().optional(), urlRetrievalStatus: z.string().optional() })).optional(),
});

/**
 * Progress of the model's turn. An interrupted turn goes `interrupted → turnComplete`, without `generationComplete`; otherwise
 * `generationComplete` precedes `turnComplete` by the assumed playback time. Transcriptions are unordered with respect to the turn.
 */
export const serverContent = z.looseObject({
  modelTurn: modelTurn.optional(),
  turnComplete: z.boolean().optional(),
  generationComplete: z.boolean().optional(),
  interrupted: z.boolean().optional(),
  inputTranscription: transcription.optional(),
  /** Sent while the user still speaks; a later one replaces it. */
  interimInputTranscription: transcription.optional(),
  outputTranscription: transcription.optional(),
  groundingMetadata: groundingMetadata.optional(),
  urlContextMetadata: urlContextMetadata.optional(),
  /** `MALFORMED_FUNCTION_CALL`, `RESPONSE_REJECTED`, `NEED_MORE_INPUT` and others. */
  turnCompleteReason: z.string().optional(),
  waitingForInput: z.boolean().optional(),
  /** `IN_PROGRESS | REQUIRES_ACTION | IDLE`. */
  interactionStatus: z.string().optional(),
});

/** Tokens by modality: `TEXT`, `AUDIO`, `IMAGE`, `VIDEO`, `DOCUMENT`. */
export const tokenDetail = z.looseObject({ modality: z.string().optional(), tokenCount: z.number().optional() });
const details = z.array(tokenDetail).optional();

/** Tokens, as counted so far. `responseTokenCount` is the Developer API's, `candidatesTokenCount` Vertex's name. */
export const usageMetadata = z.looseObject({
  promptTokenCount: z.number().optional(),
  responseTokenCount: z.number().optional(),
  candidatesTokenCount: z.number().optional(),
  thoughtsTokenCount: z.number().optional(),
  toolUsePromptTokenCount: z.number().optional(),
  cachedContentTokenCount: z.number().optional(),
  totalTokenCount: z.number().optional(),
  promptTokensDetails: details,
  responseTokensDetails: details,
  candidatesTokensDetails: details,
  toolUsePromptTokensDetails: details,
  cacheTokensDetails: details,
  trafficType: z.string().optional(),
  serviceTier: z.string().optional(),
});
