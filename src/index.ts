/** Espalier: supervision trees for XState. */
export { EspalierError, errorCodes, type ErrorCode, type ErrorDetails } from './errors.js';
export type { Backoff } from '../machines/backoff.js';
export type {
  AutoShutdown,
  ChildSpec,
  DynamicSupervisorInput,
  InitSpec,
  Intensity,
  ResolvedSpec,
  RestartType,
  ShutdownMs,
  Strategy,
  SupervisorInput,
} from '../machines/supervision/child-spec.js';
export { declineStart, Exit, exitWith, failStart, isClean, type ExitReason } from '../machines/supervision/exit.js';
export type { EndedChild } from '../machines/supervision/pool.js';
export type { ChildCount, ChildFact, DynamicEmitted, SupervisorEmitted, SupervisorReport } from '../machines/supervision/supervisor-facts.js';
export type { TaskSupervisorEmitted, TaskSupervisorInput } from '../machines/supervision/task-supervisor.js';
export { compile, interpretedParts } from './compiled/compile.js';
export type { Interpreted } from './compiled/tables.js';
export { systemClock, type Clock } from './supervision/clock.js';
export { defaultTasks, stopDefaultTasks } from './supervision/default-tasks.js';
export type { ExitReport } from './supervision/exit-report.js';
export {
  type AnySupervisorEmitted,
  isSupervisor,
  supervisorHandle,
  type Done,
  type ListedChild,
  type Refused,
  type StartChildResult,
  type StartedResult,
  type SupervisorHandle,
} from './supervision/handle.js';
export { orchestrator, type App, type Inspector, type Orchestrator, type StartEnvironment } from './supervision/orchestrator.js';
export { partitionHandle, partitionSupervisor, type PartitionOptions, type PartitionSupervisor } from './supervision/partition.js';
export {
  dynamicSupervisor,
  dynamicSupervisorMachine,
  supervisor,
  supervisorMachine,
  type ActorMap,
  type DynamicSupervisorOptions,
  type SupervisorOptions,
} from './supervision/supervisors.js';
export {
  Task,
  taskSupervisor,
  taskSupervisorHandle,
  taskSupervisorMachine,
  type AsyncOptions,
  type StartedTask,
  type StartOptions,
  type StartResult,
  type StreamOptions,
  type StreamOutcome,
  type TaskFn,
  type TaskOptions,
  type TaskOutcome,
  type TaskRefusal,
  type TaskScope,
  type TaskSupervisor,
} from './supervision/tasks.js';
export {
  exit,
  exitReason,
  link,
  monitor,
  onExit,
  unlink,
  type ExitWatch,
  type LinkExit,
  type Monitor,
  type MonitorDown,
} from './supervision/watch.js';
export type { RegistryEntry, UpdateOutcome } from './registry/entry.js';
export {
  createRegistry,
  registryHandle,
  type RegisterOptions,
  type RegisterOutcome,
  type Registry,
  type RegistryStatus,
  type StartNamedOutcome,
} from './registry/handle.js';
export type { NamespaceOptions, RegistryOptions } from './registry/options.js';
export type { RegistryQuery } from './registry/query.js';
export { registry, type RegistryLogic, type RegistryRef } from './registry/registry.js';
export type { NameRefused } from './registry/table.js';
export type { WaitForOptions, WaitForOutcome } from './registry/wait.js';
export { registryFacts, type NameLoss, type NameRefusal, type RegistryEmitted } from '../machines/registry/registry-events.js';
export { type BehindGate, passGate, type Passage, requireBehindGate } from './gate/behind.js';
export { gate, type GateLogic, type GateRef } from './gate/gate.js';
export { type CallFault, faultOf } from './gate/fault.js';
export { createGate, type Gate, gateHandle } from './gate/handle.js';
export type { GateOptions, KeyOptions } from './gate/options.js';
export type {
  AcquireOptions,
  AcquireOutcome,
  AttemptReport,
  CallReport,
  EnteredPermit,
  GateReport,
  KeyStatus,
  Permit,
  Refusal,
  ReleaseOutcome,
} from './gate/permit.js';
export type { CallScope, RunOptions, RunOutcome } from './gate/run.js';
export type { GateEmitted, Loss, RefusalReason } from '../machines/gate/gate-events.js';
export type { HealthAnswer, HealthCheck, Said as HealthSaid } from './health/answer.js';
export {
  endpointAddress,
  type EndpointAddress,
  type EndpointEmitted,
  healthEndpoint,
  type HealthEndpointLogic,
  type HealthEndpointOptions,
} from './health/endpoint.js';
export { healthHandle, type HealthHandle, type WatchOutcome } from './health/health-handle.js';
export { healthMonitor, type HealthMonitorLogic, type HealthMonitorRef } from './health/health-monitor.js';
export type { CheckScope, HealthOptions, ProbeOptions, ProbeTiming } from './health/probe-options.js';
export type { ProbeStatus } from './health/probes.js';
export { servicesHandle, type ServicesHandle, type WaitOptions } from './health/service-handle.js';
export { serviceMonitor, type ServiceMonitorLogic, type ServiceMonitorRef } from './health/service-monitor.js';
export type { ServiceOptions, ServicesOptions, ServiceTiming } from './health/service-options.js';
export type { ServiceState, ServiceStatus } from './health/services.js';
export type { AvailableOutcome } from './health/waiters.js';
export type { Whereabouts } from './health/whereabouts.js';
export { createIsolation, isolationHandle, type IsolationHandle, type IsolationResult, type IsolationStatus } from './isolation/handle.js';
export { isolation, type IsolationLogic, type IsolationRef } from './isolation/isolation.js';
export type { IsolationOptions, Job as IsolatedJob, JobOptions as IsolatedJobOptions } from './isolation/options.js';
export type { JobError as IsolatedJobError } from './isolation/seat.js';
export type { JobOutcome as IsolatedJobOutcome } from './isolation/work.js';
export type { IsolationEmitted, JobRefusal as IsolatedJobRefusal, LossCause } from '../machines/isolation/isolation-events.js';
export type { EndpointAnswer, EndpointRequest, EndpointRoute } from './wire/http-endpoint.js';
export type { HealthEmitted, ProbeFact, ServiceFact, ServicesEmitted } from '../machines/health/facts.js';
export type { MonitorEmitted } from '../machines/health/monitor.js';
export type { Answer as HealthResult, Because as HealthBecause } from '../machines/health/probe.js';
export type { Health, Outcome as HealthOutcome } from '../machines/health/verdict.js';
export type { Adaptive } from '../machines/gate/level.js';
export { config, type ConfigLogic, type ConfigRef } from './config/config.js';
export { fileSource, type FileOptions } from './config/file-source.js';
export {
  configHandle,
  createConfig,
  type ChangeOptions,
  type Config,
  type ConfigStatus,
  type ConfigView,
  type ValueAt,
  type VersionNote,
} from './config/handle.js';
export type { ConfigOptions } from './config/options.js';
export type { ChangeOutcome } from './config/requests.js';
export { environmentSource, objectSource, SourceFault, type ConfigSource, type EnvironmentOptions } from './config/sources.js';
export type { ConfigChanged } from './config/subscribers.js';
export { configFacts, type Because, type CheckFault, type ConfigEmitted, type Issue } from '../machines/config/config-events.js';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type SeriesReading,
  type UpDown,
} from './telemetry/instruments.js';
export { type AttachOutcome, type HandlerFailure, Handlers, type HandlersOptions } from './telemetry/handlers.js';
export { genAi, genAiMetrics, genAiOperations, genAiProviders, genAiSchemaUrl, tokenBuckets } from './telemetry/gen-ai.js';
export { jsonLogger, type Logger, type LoggerOptions, type LogLevel } from './telemetry/logger.js';
export type { MeterLike } from './telemetry/meter.js';
export {
  createMetrics,
  type HistogramOptions,
  type InstrumentOptions,
  longSeconds,
  type MetricReading,
  type Metrics,
  type MetricsOptions,
  type Overflow,
  shortSeconds,
} from './telemetry/metrics.js';
export { promText, promType } from './telemetry/prometheus.js';
export { type Labels, overflowLabel } from './telemetry/series.js';
export { type Subject, subjectOf, withSubject } from './telemetry/subject.js';
export type { OpenTelemetryLike, TracerLike } from './telemetry/tracer.js';
export { countDeadLetters } from './instrumentation/dead-letter-count.js';
export type { EventGroup, EventRow } from './instrumentation/event-row.js';
export { eventGroups } from './instrumentation/event-table.js';
export { type FactNews, instrument, type Instrumentation, type TelemetryLogic } from './instrumentation/instrument.js';
export { metricsRoute, type MetricsRouteOptions, type PromSource } from './instrumentation/metrics-route.js';
export type { InstrumentationOptions } from './instrumentation/options.js';
export type { TelemetryFact } from './instrumentation/telemetry-events.js';
export { createEventStore, type EventStoreHandle, eventStoreHandle } from './event-store/handle.js';
export { eventStore, type EventStoreLogic, type EventStoreRef } from './event-store/event-store.js';
export type { EventStoreOptions } from './event-store/options.js';
export type { Delivery, EventListener, EventSubscription, SubscribeOptions, SubscriptionEnd } from './event-store/subscription.js';
export { type NotJson } from './event-store/lossless.js';
export {
  type RestoreOutcome,
  type SaveTreeOutcome,
  type TreeShape,
  treeSnapshots,
  type TreeSnapshots,
  type TreeSnapshotsOptions,
} from './event-store/tree-snapshots.js';
export {
  type BuryOutcome,
  type DeadLetter,
  deadLetters,
  type DeadLetters,
  deadLetterStream,
  type NewLetter,
  type SettleOutcome,
} from './events/dead-letters.js';
export { memoryEvents, type MemoryOptions } from './events/memory.js';
export { sqliteEvents, type SqliteOptions } from './events/sqlite.js';
export type {
  AppendOptions,
  AppendOutcome,
  Commit,
  EventJournal,
  EventQuery,
  EventStore,
  Fence,
  FenceOutcome,
  FindOutcome,
  Json,
  ListOutcome,
  LoadOutcome,
  NewEvent,
  NotDone,
  NotRead,
  PruneOutcome,
  PrunePolicy,
  ReadOutcome,
  RemoveOutcome,
  SaveOptions,
  SaveOutcome,
  StatusOutcome,
  StoredDocument,
  StoredEvent,
  StoreFault,
  StoreLimits,
  StoreListener,
  StoreStatus,
  VersionOutcome,
} from './events/port.js';
export type { EventStoreEmitted } from '../machines/events/event-store-events.js';
export * from './comms.js';
export * from './coordination.js';
export * from './agents.js';
export { application, type ApplicationPlan } from './application/application.js';
export type { Flags } from './application/flags.js';
export {
  type Application,
  applicationFacts,
  type ApplicationServiceState,
  type ApplicationServiceStatus,
  type ApplicationStatus,
  type ApplicationWait,
  type ReadyApplication,
  type RestartedService,
} from './application/handle.js';
export type { ApplicationOptions, ApplicationService, FlushScope, OptionalNeed } from './application/options.js';
export type { Otherwise } from './application/otherwise.js';
export type { ApplicationEmitted, ApplicationFailure, OnDependencyLoss } from '../machines/application/application-events.js';
export { connectLive, type ConnectOptions, type LiveCallbacks, type LiveClose, type LiveFault } from './live/connect.js';
export { type EventsDropped, eventsOf, type LiveEvent, type LiveEventOf, type WireEvent } from './live/events.js';
export {
  liveSessionHandle,
  type AnswerOutcome,
  type LiveAnswer,
  type LiveAnswers,
  type LiveFailure,
  type LiveHandleOptions,
  type LiveSession,
  type ReadyOutcome,
  type SessionOutcome,
} from './live/handle.js';
export { LiveError, type LiveErrorDetails } from './live/live-error.js';
export type { ModelCapabilities } from './live/capabilities.js';
export type { LiveSessionOptions } from './live/options.js';
export { liveSession, type LiveSessionLogic, type LiveSessionRef } from './live/session.js';
export type { ClientSocket, OpenSocket, SocketAddress, SocketListener } from './live/socket.js';
export { liveEvents, type LiveEventsOptions } from './live/stream.js';
export type { LiveTool, LiveToolCall, LiveToolResponse, LiveTools, OnToolCall } from './live/tool-plan.js';
export { type Scheduling, type ToolContext, ToolReply, unanswered } from './live/tools.js';
export type { SendOutcome, UplinkLimits } from './live/uplink.js';
export type { RejectReason, SessionEmitted } from '../machines/live/session-events.js';
export type { SessionEnd, SessionFailure } from '../machines/live/ending.js';
export { createEphemeralToken, type EphemeralToken, type EphemeralTokenOptions, type TokenRefusal } from './wire/gemini/tokens.js';
export type { StreamCancellation, StreamEnd, StreamFailure, StreamSummary } from '../machines/stream/outcome.js';
export type { StreamFact } from '../machines/stream/stream-events.js';
export { generateContent, generateContentStream, streamGenerateContent, type GenerateOutcome, type GenerateStream } from './stream/generate.js';
export type { GenerateEvent } from './stream/generate-body.js';
export type { GenerateOptions } from './stream/generate-options.js';
export {
  httpStream,
  openStream,
  type HttpStream,
  type HttpStreamLogic,
  type HttpStreamRef,
  type OpenOptions,
  type HttpStreamOutcome,
  type TargetOptions,
  type Unfinished,
} from './stream/http-stream.js';
export type { HttpStreamOptions, StreamSettings } from './stream/options.js';
export { interactions, type InteractionResult, type Interactions, type ResumeOptions } from './interactions/client.js';
export type { InteractionAnswer, InteractionStreamEvent } from './interactions/account.js';
export type { InteractionOutcome, InteractionStream } from './interactions/handle.js';
export type { InteractionLogic, InteractionRef } from './interactions/interaction.js';
export type {
  CallOptions as InteractionCallOptions,
  EventsCallOptions as InteractionEventsOptions,
  InteractionsOptions,
} from './interactions/options.js';
export type { WaitOptions as InteractionWaitOptions } from './interactions/wait.js';
export type { InteractionFact, InteractionSummary } from '../machines/interactions/interaction-events.js';
export type { InteractionRequest, InteractionResource, InteractionStep, InteractionWireEvent } from './wire/gemini/interactions.js';
export type { InteractionCall } from './wire/gemini/interactions-steps.js';
export { StreamError, type StreamErrorDetails } from './stream/stream-error.js';
export type { StreamMessage, StreamTarget } from './stream/target.js';
export { conversation, type ConversationLogic, type ConversationRef } from './tools/conversation.js';
export {
  ConversationError,
  type ConversationErrorDetails,
  type Conversation,
  type ConversationOutcome,
  converse,
  type ConverseOptions,
  type Unanswered,
} from './tools/converse.js';
export type { ConversationData, ConversationEmitted, ConversationNews } from './tools/events.js';
export { type GenerateItem, generateModel, type GenerateModelOptions } from './tools/generate-model.js';
export { type InteractionItem, interactionsModel, type InteractionsModelOptions } from './tools/interactions-model.js';
export { type McpClient, mcpTools, type McpTools, type McpToolsOptions } from './tools/mcp.js';
export type { ConversationModel, ModelEvent, ModelTurn, TurnOutcome, TurnRequest } from './tools/model.js';
export type { ConversationOptions } from './tools/options.js';
export type { StandardSchema } from './wire/standard-schema.js';
export type { Tool, ToolContext as ToolCallContext, ToolDeclaration, Tools, ToolsOption, ToolSource } from './tools/tool-plan.js';
export type { CallAnswer, CallFault as ToolFault, CallResult, ModelCall } from '../machines/tools/calls.js';
export type { ConversationFact } from '../machines/tools/conversation-events.js';
export type {
  ConversationCancellation,
  ConversationEnd,
  ConversationFailure,
  ConversationOutput,
  HistoryEntry,
} from '../machines/tools/outcome.js';
export type { GenerateCandidate, GenerateRequest, GenerateResponse } from './wire/gemini/generate.js';
export type { AnswerNews, GenerateAnswer, GeneratedCall } from './wire/gemini/generate-answer.js';
export type { SseEvent, SseLimits } from './wire/sse.js';
