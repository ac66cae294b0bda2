/**
 * The public test kit: models of machines and what is made of them (paths, random walks, orders, coverage, mutants), worlds for whole trees, OTP's
 * rules as an oracle, recordings that become tests, a local Gemini to talk to, and time that moves when a test says so.
 */
export type { Admission, Arrival } from './gemini-server/admission.js';
export type { ReceivedMessage } from './gemini-server/connection.js';
export type { AnswerEnd } from './gemini-server/http/answer.js';
export type { ReceivedRequest } from './gemini-server/http/http-side.js';
export type { Operation } from './gemini-server/http/operations.js';
export {
  type HttpExchange,
  type HttpRecording,
  httpRules,
  readHttpRecording,
  type RecordedRequest,
  type RecordedResponse,
} from './gemini-server/http/recording.js';
export type { HttpRule, HttpStep, InteractionScript } from './gemini-server/http/rules.js';
export type { GeminiServerOptions } from './gemini-server/options.js';
export type { Outcome } from './gemini-server/player.js';
export { type RecordedClose, type RecordedFrame, type Recording, type RecordingFormat, readRecording } from './gemini-server/recording.js';
export { clientScript, type RecordedClientMessage, replayScript } from './gemini-server/recording-scripts.js';
export { type GeminiServer, geminiServer } from './gemini-server/server.js';
export type { Step } from './gemini-server/steps.js';
export type { Waited } from './gemini-server/waits.js';
export { backendContract, type BackendCase, type BackendSubject, type OpenedBackend } from './backend/contract.js';
export {
  type BackendFault,
  type BackendFaultPlan,
  faultyBackend,
  type FaultyBackend,
  type FaultyCall,
  randomFaults as randomBackendFaults,
} from './backend/faulty.js';
export { type ContractCase, eventStoreContract, type EventStoreSubject } from './event-store/contract.js';
export { VirtualClock } from './virtual-clock.js';

export { compareCompiled, type CompareOptions, type Comparison } from './equality/compare-compiled.js';
export type { ComparedCase } from './equality/side-by-side.js';
export type { Samples as CompareSamples } from './equality/stage-of-machine.js';
export { coverageFaults, CoverageFailure, expectFullCoverage, summary } from './model/expect.js';
export { Coverage, type CoverageJson } from './model/coverage.js';
export type { CoverageItem, CoverageKind } from './model/coverage-items.js';
export { type Fixture, ModelTestFailure } from './model/failure.js';
export type { Fake, FakeOptions, Outcome as FakeOutcome } from './model/fake.js';
export { interleavings, type InterleavingsOptions, type InterleavingsResult } from './model/interleavings.js';
export type {
  ActorModel,
  AnyModel,
  Claim,
  DelayCase,
  DoneCase,
  ErrorCase,
  EventCase,
  EventModels,
  Model,
  Move,
  Waivers,
} from './model/model.js';
export { propertyTest, type PropertyOptions, type PropertyResult } from './model/property.js';
export { replayPath } from './model/replay-path.js';
export type { Run } from './model/run.js';
export { type PathsOptions, type PathsResult, testPaths } from './model/search.js';
export { models } from './models/catalogue.js';
export { type Mutant, type MutantKind, mutantsOf } from './mutation/mutants.js';
export { type MutationOptions, type MutationResult, mutationTest, type Verdict } from './mutation/mutation-test.js';
export type {
  OracleCall,
  OracleCommand,
  OracleEffect,
  OracleFact,
  OracleReply,
  OracleReport,
  OracleSnapshot,
  OracleState,
} from './oracle/commands.js';
export { supervisorOracle, type SupervisorOracle } from './oracle/oracle.js';
export { type OracleChildStatus, type OracleRules, otpRules } from './oracle/rules.js';
export type { OracleFlags, OracleSpec, OracleStart, OracleStop, ResolvedOracleSpec } from './oracle/specs.js';
export type { NetworkCounts } from './network/counts.js';
export { FaultRunFailure } from './network/fault-run-failure.js';
export type { FaultRunOptions } from './network/fault-run-options.js';
export { faultRun, type FaultRunResult, type FaultWorld, type Progress } from './network/fault-run.js';
export type { Delay, Disturbance, LinkOptions } from './network/link.js';
export { NetworkFailure } from './network/network-failure.js';
export type { NetworkOptions, RunOptions } from './network/network-options.js';
export type { NetworkTrace, NetworkTraceKind } from './network/network-trace.js';
export { type EndFault, simulatedNetwork, type SimulatedNetwork } from './network/network.js';
export type { NetworkReply, NodeDisk, SimulatedNode } from './network/node.js';
export {
  type FaultOperation,
  type NetworkFault,
  type NetworkFaultKind,
  networkFaultKinds,
  type OperationStep,
  type Schedule,
  type ScheduleStep,
} from './network/schedule.js';
export { type CoverageFormat, coverageReport, type CoverageReportOptions } from './report/coverage-report.js';
export { writeCoverageReport, type WrittenReport } from './report/write-report.js';
export type { Change } from '../recording/replay/difference.js';
export { expectReplay, ReplayFailure } from './replay/expect-replay.js';
export type { RecordedAction, RecordedActor, RecordedEvent, RecordedState, RecordedTransition } from '../wire/recording/lines.js';
export { type ActorRecording, type ParseOptions, parseRecording } from '../wire/recording/parse.js';
export type { Portable } from '../wire/recording/portable-shape.js';
export { record, type Recorder, type RecordOptions } from './replay/recorder.js';
export {
  replay,
  type Outcome as ReplayOutcome,
  type ReplayDifference,
  type ReplayMachines,
  type ReplayOptions,
  type ReplayPart,
  type ReplayPassed,
  type ReplayResult,
} from './replay/replay.js';
export { sequenceDiagram, type SequenceOptions } from './replay/sequence.js';
export type { CallOutcome, CallStatus, Controlled, ControlledCall, ControlledOptions } from './world/controlled.js';
export { createWorld, leftovers, SupervisedApp, startSupervised, type StartSupervisedOptions } from './world/create-world.js';
export type { ActorFault, ActorPattern, Fault, FaultTime, MessageFault, WorldFault } from './world/fault-plan.js';
export type { Faults } from './world/faults.js';
export { type Allowed, type Leftover, type LeftoverKind, WorldFailure } from './world/leftovers.js';
export type { Chance } from './world/chance.js';
export type { TestContext, WorldOptions } from './world/options.js';
export { reach, type Reached, type ReachOptions } from './world/reach.js';
export type { Trace, TraceKind } from './world/trace.js';
export { type RunLimits, type StepKind, World, worldOf } from './world/world.js';
export type { WorldClock } from './world/world-clock.js';
