// What every load needs to start routes: the files of the library, threads, hooks.
import { Failure } from '../worker/failure.js';
import type { LoadProgress, ModelDescription, Placement, PlainSource } from '../worker/protocol.js';
import type { RouteFilter } from '../router/choose.js';
import { type Features, memoryHint } from '../router/features.js';
import { gpuLost, gpuRefused } from '../router/gpu_loss.js';
import { forgetGpu, probeGpu } from '../router/gpu_probe.js';
import { InlineRoute } from '../router/inline_route.js';
import { fitsBeside, heldBytes, holds } from '../router/room.js';
import type { Route, RouteHooks } from '../router/route.js';
import { startVerified } from '../router/serve.js';
import { forgetSpeeds, knownSpeeds } from '../router/speeds.js';
import { Supervisor } from '../router/supervisor.js';
import type { RemoteSetup } from '../router/remote_route.js';
import { idOf, type LocalTarget, REMOTE, type Target } from '../router/target.js';
import { pageThreadBudget, type ThreadClaim } from '../router/thread_budget.js';
import { WorkerRoute } from '../router/worker_route.js';
import { resolveAssets } from './assets.js';
import { toSardonyxError } from './errors.js';
import type { LaunchPlan, SessionStart } from './launch_plan.js';
import type { LoadOptions } from './load.js';
import { Session } from './session.js';
import { resolveUrl } from './source.js';
import { nameOfVersion, type Swap, swapTarget } from './swap.js';
import { Telemetry } from './telemetry.js';
import { VersionWatch } from './version_watch.js';

const QUEUE_LIMIT = 64;
const LATENCY_BUDGET_MS = 300;
const REMOTE_TIMEOUT_MS = 30_000;

// Where a route starts, if not where the session is.
interface Place {
  readonly execution?: LoadOptions['execution'];
  readonly threads?: number;
}

export class Launch {
  readonly options: LoadOptions;
  readonly features: Features;
  readonly external: Readonly<Record<string, PlainSource>>;
  readonly #plan: LaunchPlan;
  readonly #claim: ThreadClaim;
  #supervisor: Supervisor | undefined;
  // The caller has named the GPU.
  #takesSoftware: boolean;
  #versions: VersionWatch | undefined;

  constructor(
    options: LoadOptions,
    features: Features,
    plan: LaunchPlan,
    external: Readonly<Record<string, PlainSource>> = {},
  ) {
    this.options = options;
    this.features = features;
    this.#plan = plan;
    this.external = external;
    this.#takesSoftware = options.force?.device === 'webgpu';
    const forced = options.force?.threads !== undefined;
    this.#claim = pageThreadBudget(features.cores).claim(plan.targets[0]!.threads, forced);
  }

  /** The first start of a load; it can be aborted and reports its progress. */
  start(target: Target): Promise<Route> {
    const onProgress = (progress: LoadProgress) => this.report(progress);
    return this.#start(target, onProgress, this.options.signal);
  }

  /** In a worker of its own, no part of the session. */
  startBeside(target: LocalTarget, threads: number, signal: AbortSignal): Promise<Route> {
    return this.#start(target, () => undefined, signal, { execution: 'worker', threads });
  }

  /** Whether there is memory for it beside the route that serves. */
  hasRoomFor(target: Target): boolean {
    const { serving } = this.#supervisor!;
    return fitsBeside(target, serving, heldBytes(), memoryHint());
  }

  /** A server that has proved to have the model. */
  startRemote(): Promise<Route> {
    if (!this.#remote) {
      throw new Failure('INVALID_ARGUMENT', 'remote.model is missing: bytes have no name', {
        field: 'remote.model',
      });
    }
    const { selfTest } = this.#plan;
    return startVerified(
      REMOTE,
      { start: () => this.start(REMOTE), selfTest },
      this.options.signal,
    );
  }

  /** A callback that throws must not end the load. */
  report(progress: LoadProgress): void {
    try {
      this.options.onProgress?.(progress);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  /** The session of a route that start() gave. */
  session(
    route: Route,
    wanted: Target,
    { watch, shadow, passedOver = [], ...about }: SessionStart,
  ): Session {
    const { targets, consider, answered } = this.#plan;
    const target = placed(wanted, route);
    const locals = targets.filter(({ device }) => device !== 'remote');
    const { model } = route;
    const { force, latencyBudgetMs, onTelemetry } = this.options;
    const telemetry = onTelemetry && new Telemetry(onTelemetry);
    const supervisor: Supervisor = new Supervisor(
      { target, route },
      {
        targets: this.#remote ? [...locals, REMOTE] : locals,
        passedOver: target === wanted ? passedOver : [notOnGpu(wanted, route)],
        latencyBudgetMs: latencyBudgetMs ?? (force?.device ? Infinity : LATENCY_BUDGET_MS),
        start: async (target, signal, asked) => {
          if (target.device === 'webgpu' && !asked) await this.#checkGpu();
          return this.#startSame(model, target, supervisor, signal);
        },
        fitsBeside: (target) => this.hasRoomFor(target),
        speeds: () => knownSpeeds(this.features.cores),
        ...(answered ? { answered } : {}),
        emit: (event, { error, ...change }) => {
          if (event === 'degrade') forgetSpeeds();
          const detail = error ? { ...change, error: toSardonyxError(error) } : change;
          session.dispatchEvent(new CustomEvent(event, { detail }));
          if (event === 'route') {
            versions.arrived((release) => consider?.(this.#lasting, release) ?? []);
          }
        },
        observe: (report) => {
          telemetry?.observe(report);
          versions.observe(report);
        },
      },
    );
    const versions = new VersionWatch(supervisor, telemetry);
    this.#versions = versions;
    const session: Session = new Session({
      ...about,
      ...(shadow ? { shadow: versions.beginShadow(shadow, model.outputs) } : {}),
      supervisor,
      isolated: this.features.isolated,
      queueLimit: this.options.queueLimit ?? QUEUE_LIMIT,
      swapTarget: (to, signal) => this.#swapTarget(to, supervisor, signal),
      release: () => {
        telemetry?.end();
        this.release();
        return versions.end();
      },
    });
    this.#supervisor = supervisor;
    telemetry?.begin(session);
    if (watch) versions.begin(watch);
    return session;
  }

  // Of the wishes of load(), these outlast a swap.
  get #lasting(): RouteFilter {
    const { module, threads } = this.options.force ?? {};
    return { ...(module ? { module } : {}), ...(threads ? { threads } : {}) };
  }

  async #swapTarget(to: Swap, supervisor: Supervisor, signal?: AbortSignal): Promise<LocalTarget> {
    const { rank, versionOf } = this.#plan;
    const name = nameOfVersion(to);
    if (name !== undefined && !versionOf) {
      const message = 'swap.version: a model without a manifest has no versions';
      throw new Failure('INVALID_ARGUMENT', message, { field: 'swap.version' });
    }
    const named = name === undefined ? undefined : await versionOf?.(name, signal);
    if (named?.watch) this.#versions?.begin(named.watch);
    const { target } = supervisor.serving;
    if (to.device === 'webgpu') this.#takesSoftware = true;
    const release = named?.release ?? target.release;
    return swapTarget(to, target, (force) => rank({ ...this.#lasting, ...force }, release));
  }

  get #remote(): RemoteSetup | undefined {
    const { remote, remoteName } = this.#plan;
    const model = remote?.model ?? remoteName;
    if (!remote || model === undefined) return undefined;
    const { url, version, headers = {}, timeoutMs = REMOTE_TIMEOUT_MS } = remote;
    return { url: resolveUrl(url, 'remote.url'), model, version, headers, timeoutMs };
  }

  release(): void {
    this.#claim.release();
  }

  // A later start: a model of the same form.
  async #startSame(
    model: ModelDescription,
    target: Target,
    supervisor: Supervisor,
    signal: AbortSignal,
  ): Promise<Route> {
    const { selfTest, onGood } = this.#plan;
    const hooks = {
      start: () => this.#restart(target, supervisor, signal),
      selfTest: async (route: Route) => {
        checkSame(model, route.model, idOf(target));
        await selfTest(route, target);
      },
      onBan: (target: Target, failure: Failure) => this.#ban(target, failure),
    };
    const route = await startVerified(target, hooks, signal);
    if (target.device !== 'remote' && target.wasm === undefined) onGood?.(target);
    return route;
  }

  // Before an automatic start on the GPU: what the page is given must not be worse than what was chosen.
  async #checkGpu(): Promise<void> {
    const gpu = await probeGpu();
    const software = gpu.available && gpu.software && !this.#takesSoftware;
    if (gpu.available && !software) return;
    const why = gpu.available ? `the adapter (${gpu.adapter}) is software` : gpu.why;
    gpuRefused(why);
    throw new Failure('DEVICE_UNAVAILABLE', why);
  }

  #refuse(target: Target, why: string): void {
    forgetGpu();
    this.#ban(target, new Failure('DEVICE_UNAVAILABLE', why));
  }

  // With a module of the caller's own nothing is known about the library's.
  #ban(target: Target, failure: Failure): void {
    if (target.device === 'remote' || target.wasm !== undefined) return;
    this.#plan.onBan?.(target, failure);
  }

  // The threads of the route that it replaces are its own: that one goes soon.
  async #restart(target: Target, supervisor: Supervisor, signal: AbortSignal): Promise<Route> {
    const change = ({
      threads,
      forcedThreads = this.options.force?.threads !== undefined,
    }: Target) => this.#claim.change(threads, forcedThreads);
    change(target);
    try {
      return await this.#start(target, () => undefined, signal);
    } catch (thrown) {
      change(supervisor.serving.target);
      throw thrown;
    }
  }

  async #start(
    target: Target,
    onProgress: RouteHooks['onProgress'],
    signal?: AbortSignal,
    { execution = this.options.execution, threads = this.#claim.threads }: Place = {},
  ): Promise<Route> {
    if (target.device === 'remote') return startRemote(this.#remote!, signal);
    const { assets = {} } = this.options;
    const { device, module, wasm } = target;
    const { webgpuUrl, ...files } = resolveAssets(
      wasm === undefined ? assets : { ...assets, wasm },
      module,
    );
    const setup = {
      ...files,
      gpu: device === 'webgpu' ? webgpuUrl : undefined,
      threads,
      isolated: this.features.isolated,
      source: this.#plan.sourceOf(target),
      external: this.external,
      fedWeights: this.options.fedWeights,
    };
    const began = performance.now();
    const onDegrade = ({ lost = false, why }: Placement) => {
      if (lost) gpuLost(began);
      else this.#refuse(target, why.at(-1) ?? 'left the GPU');
      this.#supervisor?.leftGpu(started, { ...target, device: 'cpu' }, lost);
    };
    const hooks = { onProgress, onDegrade };
    const started: Route = await (execution === 'inline'
      ? InlineRoute.start(setup, hooks, signal)
      : WorkerRoute.start(setup, hooks, signal));
    holds(started);
    if (started.placement.device !== device) forgetGpu();
    return started;
  }
}

// In a file of its own: few pages have a server to fall back on.
async function startRemote(setup: RemoteSetup, signal?: AbortSignal): Promise<Route> {
  const { RemoteRoute } = await import('../router/remote_route.js').catch((thrown: unknown) => {
    const why = `remote.mjs, which asks servers, did not load: ${String(thrown)}`;
    throw new Failure('NETWORK_FAILED', why);
  });
  return RemoteRoute.start(setup, signal);
}

// What a route is, rather than what it was started for: a plain .onnx goes without the GPU where there is none.
const placed = (target: Target, { placement }: Route): Target =>
  target.device === 'webgpu' && placement.device === 'cpu' ? { ...target, device: 'cpu' } : target;

function notOnGpu(target: Target, { placement }: Route) {
  const message = placement.why.at(-1) ?? 'left the GPU';
  return { target, failure: new Failure('DEVICE_UNAVAILABLE', message) };
}

/** Runs go from one route to the other with their feeds and wishes by number. MANIFEST_INVALID. */
export function checkSame(before: ModelDescription, now: ModelDescription, id: string): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const list = ({ [side]: values }: ModelDescription) =>
      values.map(({ name, type }) => `${name} (${type})`).join(', ');
    if (list(before) === list(now)) continue;
    throw new Failure(
      'MANIFEST_INVALID',
      `the ${side} of ${id} are ${list(now)}, those of the model that serves ${list(before)}`,
      { field: side },
    );
  }
}
