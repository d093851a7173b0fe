export { load, type LoadOptions, type RemoteOptions } from './load.js';
export { availability, type Availability, type PossibleRoute } from './availability.js';
export { probe, type Battery, type ProbeResult } from './probe.js';
export type { AdapterReport, GpuReport, NoGpu } from '../router/gpu_probe.js';
export type { NetworkHints } from '../router/network_hints.js';
export type {
  OfflineState,
  PlanReport,
  ProfileOptions,
  Route,
  RouteEventDetail,
  RunOptions,
  Session,
} from './session.js';
export {
  Router,
  type RouterEventDetail,
  type RouterLoadOptions,
  type RouterOptions,
} from './router.js';
export type { Profile } from './profile.js';
export type { Trace, TraceEvent } from './profile_trace.js';
export type { RoutedModel } from './routed_model.js';
export type { SessionState } from '../router/machine.js';
export type { SwapOptions } from '../router/supervisor.js';
export type { Swap } from './swap.js';
export type { ShadowNews, TelemetryEvent, TelemetrySubject } from './telemetry.js';
export type { Verdict } from '../router/rollout.js';
export { Tensor, type AnyTensor, type DType, type TensorData, type TypedArray } from './tensor.js';
export type { Value } from './values.js';
export { SardonyxError, type Attempt, type ErrorCode, type ErrorScope } from './errors.js';
export type { Assets } from './assets.js';
export type { Source } from './source.js';
export type { LoadProgress, StepProfile, ValueInfo, ValueKind } from '../worker/protocol.js';
export type { RouteFilter } from '../router/choose.js';
export { models, type KeepOptions, type StoredModel, type Usage } from './models.js';
export type { Manifest, Precision, Variant } from '../manifest/parse.js';
