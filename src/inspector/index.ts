/** Look at running systems: the inspector; the recorder, its files, and what comes out of a recording. */
export { type ActorRecording, parseRecording, type ParseOptions } from '../wire/recording/parse.js';
export type {
  LogicKind,
  RecordedAction,
  RecordedActor,
  RecordedChange,
  RecordedEvent,
  RecordedExit,
  RecordedGap,
  RecordedKeyframe,
  RecordedLine,
  RecordedMachine,
  RecordedState,
  RecordedTimer,
  RecordedTransition,
  RecordingHead,
} from '../wire/recording/lines.js';
export type { Portable } from '../wire/recording/portable-shape.js';
export { budgetOf, Scene, type SceneActor, sceneAt, type SceneBudget, type SceneCounts, type SceneStep } from '../recording/scene.js';
export { chromeTrace, type TraceEvent } from '../recording/exports/chrome-trace.js';
export { otlpTrace, type OtlpOptions, type OtlpTraces } from '../recording/exports/otel.js';
export type { FileOptions, FileOutcome, FileSink } from './file-sink.js';
export { inspect, inspector, inspectorHandle, type Inspector, type InspectorLogic, type InspectorReady, type InspectorRef } from './inspector.js';
export type { RecorderOptions } from './options.js';
export type { InspectorOptions } from './plan.js';
export { type LineSink, Recorder, recorder, type SubscribeOptions, type Subscription, type ValueResult } from './recorder.js';
