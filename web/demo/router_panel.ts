import { load, probe, SardonyxError, Tensor, type RouteEventDetail, type Session } from '../index';
import { GLYPH_SIZE } from './glyph_input';
import { bestGlyphs } from './glyph_scores';
import { lossyWebgpu, loseGpu } from './gpu_loss';
import { formatMs } from './latency';
import { modelUrls } from './model_urls';
import { byId } from './page';
import { showProblem } from './problem';
import { RouteView } from './route_view';
import type { StatusStrip } from './status_strip';
import { damageStored } from './stored_damage';
import { allowFaults, crashNextRun, slowFromNextRun } from './worker_faults';

/** What a slow worker exceeds, and others do not. */
const BUDGET_MS = 50;
/** After so many runs the router knows how fast a route is. */
const RUNS_TO_KNOW = 26;
/** How long a session is watched for what it does. */
const WATCH_MS = 20_000;
const PAUSE_MS = 20;
const routeEvents = ['swap', 'degrade', 'recover', 'rollback'] as const;

/** The smallest module there is: it is no engine. */
const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether the session tells of such an event before it has been watched long enough. */
const happens = (session: Session, name: (typeof routeEvents)[number]): Promise<void> =>
  Promise.race([
    new Promise<void>((resolve) => session.addEventListener(name, () => resolve())),
    pause(WATCH_MS),
  ]);

/** Breaks a session of its own in several ways while it answers, and shows what the router does. */
export class RouterPanel {
  readonly #view = new RouteView();
  readonly #problem = byId('router-problem', HTMLElement);
  readonly #actions: Readonly<Record<string, (session: Session) => Promise<unknown>>> = {
    'router-fp32': (session) => session.swap({ variant: 'fp32' }),
    'router-fp16': (session) => session.swap({ variant: 'fp16' }),
    'router-int8': (session) => session.swap({ variant: 'int8' }),
    'router-webgpu': (session) => session.swap({ device: 'webgpu' }),
    'router-crash': () => Promise.resolve().then(crashNextRun),
    'router-lose': (session) => this.#loseGpu(session),
    'router-update': (session) => session.swap({ wasm: new WebAssembly.Module(emptyModule) }),
    'router-slow': (session) => this.#slowDown(session),
    'router-damage': (session) => this.#damage(session),
  };
  readonly #buttons = Object.keys(this.#actions).map((id) => byId(id, HTMLButtonElement));
  #busy = false;
  #session: Session | undefined;
  /** What load() chose, and will choose again. */
  #chosen: string | undefined;
  #answered = 0;
  #failed = 0;
  #rollbacks = 0;
  /** The session may move at any time. */
  #watch: ReturnType<typeof setInterval> | undefined;

  /** `ink` is what the model reads. */
  constructor(
    readonly status: StatusStrip,
    readonly ink: () => Float32Array | undefined,
  ) {
    allowFaults();
    for (const [id, action] of Object.entries(this.#actions)) {
      byId(id, HTMLButtonElement).addEventListener('click', () => void this.#do(action));
    }
  }

  get #runs(): number {
    return this.#answered + this.#failed;
  }

  /** What is not there can not be lost. */
  async findGpu(): Promise<void> {
    const { webgpu } = await probe();
    const hint = byId('router-no-gpu', HTMLElement);
    byId('router-lose', HTMLButtonElement).disabled = !webgpu.available;
    hint.hidden = webgpu.available;
    hint.textContent = webgpu.available ? '' : `No GPU to lose: ${webgpu.why}.`;
  }

  /** Runs follow each other until the action is over; the last one begins after it. */
  async #do(action: (session: Session) => Promise<unknown>): Promise<void> {
    if (this.#busy) return;
    this.#setBusy(true);
    showProblem(this.#problem, undefined);
    if (this.#watch === undefined) this.#watch = setInterval(() => this.#show(), PAUSE_MS);
    try {
      const session = this.#session ?? (await this.#open());
      const over = new AbortController();
      const acted = this.#attempt(() => action(session)).finally(() => over.abort());
      do {
        await this.#run();
        await pause(PAUSE_MS);
      } while (!over.signal.aborted);
      await this.#run();
      await acted;
    } catch (error) {
      showProblem(this.#problem, error);
    } finally {
      this.#show();
      this.#setBusy(false);
    }
  }

  /** Buttons that wait keep the focus. */
  #setBusy(busy: boolean): void {
    this.#busy = busy;
    for (const button of this.#buttons) button.ariaDisabled = String(busy);
  }

  /** What was rolled back has told so by an event. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    const before = this.#rollbacks;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof SardonyxError)) throw error;
      if (this.#rollbacks === before) this.#view.log('refused', error.message, error.code);
    }
  }

  async #open(latencyBudgetMs?: number): Promise<Session> {
    const session = await load(modelUrls.glyphs, {
      assets: { webgpu: lossyWebgpu },
      ...(latencyBudgetMs === undefined ? {} : { latencyBudgetMs }),
    });
    for (const name of routeEvents) {
      session.addEventListener(name, (event) => {
        const { from, to, why, error } = (event as CustomEvent<RouteEventDetail>).detail;
        if (name === 'rollback') this.#rollbacks++;
        this.#view.log(name, `${from} → ${to}: ${why}`, error?.code);
        this.#show();
      });
    }
    const { id, variant, why } = session.route;
    this.#session = session;
    this.#chosen = variant;
    this.status.use(session, 'glyphs');
    this.#view.log('load', `${id}: ${why[0]}`);
    return session;
  }

  async #reopen(session: Session, latencyBudgetMs?: number): Promise<Session> {
    this.#session = undefined;
    await session.dispose();
    return this.#open(latencyBudgetMs);
  }

  async #loseGpu(session: Session): Promise<void> {
    if (session.route.device !== 'webgpu') await session.swap({ device: 'webgpu' });
    const left = happens(session, 'degrade');
    loseGpu();
    await left;
  }

  /** The quantized variant has shown before how fast it is. */
  async #slowDown(session: Session): Promise<void> {
    const watched = await this.#reopen(session, BUDGET_MS);
    const { variant, device } = watched.route;
    if (variant !== 'int8' || device !== 'cpu') {
      await watched.swap({ variant: 'int8', device: 'cpu' });
    }
    const enough = this.#runs + RUNS_TO_KNOW;
    while (this.#runs < enough) await pause(PAUSE_MS);
    await watched.swap({ variant: 'fp32', device: 'cpu' });
    const swapped = happens(watched, 'swap');
    slowFromNextRun();
    this.#view.log('slow', `each run takes longer than the budget of ${formatMs(BUDGET_MS)}`);
    await swapped;
  }

  async #damage(session: Session): Promise<void> {
    for (let waited = 0; session.offline === 'pending' && waited < WATCH_MS; waited += PAUSE_MS) {
      await pause(PAUSE_MS);
    }
    const damaged = await damageStored(session, this.#chosen);
    const what = damaged ? 'one byte of the stored file changed' : 'nothing is stored here';
    this.#view.log('damage', what);
    if (damaged) await this.#reopen(session);
  }

  async #run(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const values = this.ink() ?? new Float32Array(GLYPH_SIZE * GLYPH_SIZE);
    const start = performance.now();
    try {
      const glyph = new Tensor('float32', values, [1, 1, GLYPH_SIZE, GLYPH_SIZE]);
      const { probabilities } = await session.run({ glyph });
      const ms = performance.now() - start;
      this.#answered++;
      this.status.addRun(session, ms);
      const { labels = '', lookAlikes = [] } = session.manifest ?? {};
      const data = probabilities?.data as Float32Array;
      const [best] = bestGlyphs(data, Array.from(labels), lookAlikes, 1);
      this.#view.showAnswer(`${best?.characters.join(' or ') ?? '–'} in ${formatMs(ms)}`);
    } catch (error) {
      // Disposed by an action while it was under way.
      if (session !== this.#session) return;
      this.#failed++;
      showProblem(this.#problem, error);
    }
  }

  #show(): void {
    this.#view.showSession(this.#session);
    this.#view.showRuns(this.#answered, this.#failed);
  }
}
