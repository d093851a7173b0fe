import { load, SardonyxError, Tensor, type RouteEventDetail, type Session } from '../index';
import { allowCrashes, crashNextRun } from './crash';
import { GLYPH_SIZE } from './glyph_input';
import { bestGlyphs } from './glyph_scores';
import { formatMs } from './latency';
import { lossyWebgpu, loseGpu, whyNoGpu } from './gpu_loss';
import { modelUrls } from './model_urls';
import { byId, element } from './page';
import { showProblem } from './problem';
import { damageStored } from './stored_damage';
import type { StatusStrip } from './status_strip';

const shownEvents = 8;
/** No run is that fast. */
const TINY_BUDGET_MS = 0.001;
/** How long a session is watched for what it does. */
const SLOW_MS = 20_000;
const PAUSE_MS = 20;
const routeEvents = ['swap', 'degrade', 'recover', 'rollback'] as const;

/** The smallest module there is: it is no engine. */
const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Breaks a session of its own in several ways while it answers, and shows what the router does. */
export class RouterPanel {
  readonly #facts = {
    state: byId('router-state', HTMLElement),
    route: byId('router-route', HTMLElement),
    answer: byId('router-answer', HTMLElement),
    runs: byId('router-runs', HTMLElement),
  };
  readonly #why = byId('router-why', HTMLUListElement);
  readonly #events = byId('router-events', HTMLOListElement);
  readonly #problem = byId('router-problem', HTMLElement);
  readonly #buttons = [
    ...byId('router', HTMLElement).querySelectorAll<HTMLButtonElement>('button'),
  ];
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
  readonly #lose = byId('router-lose', HTMLButtonElement);
  #hasGpu = false;
  #busy = false;
  #session: Session | undefined;
  /** What load() chose, and will choose again. */
  #chosen: string | undefined;
  #answered = 0;
  #failed = 0;
  #rollbacks = 0;

  /** `ink` is what the model reads. */
  constructor(
    readonly status: StatusStrip,
    readonly ink: () => Float32Array | undefined,
  ) {
    allowCrashes();
    for (const button of this.#buttons) {
      const action = this.#actions[button.id];
      if (action) button.addEventListener('click', () => void this.#do(action));
    }
    void this.#findGpu();
  }

  /** Runs follow each other until the action is over; the last one begins after it. */
  async #do(action: (session: Session) => Promise<unknown>): Promise<void> {
    this.#setBusy(true);
    showProblem(this.#problem, undefined);
    const watch = setInterval(() => this.#show(), PAUSE_MS);
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
      clearInterval(watch);
      this.#show();
      this.#setBusy(false);
    }
  }

  #setBusy(busy: boolean): void {
    this.#busy = busy;
    for (const button of this.#buttons) button.disabled = busy;
    this.#lose.disabled ||= !this.#hasGpu;
  }

  async #findGpu(): Promise<void> {
    this.#setBusy(this.#busy);
    const why = await whyNoGpu();
    this.#hasGpu = why === undefined;
    const hint = byId('router-no-gpu', HTMLElement);
    hint.hidden = this.#hasGpu;
    hint.textContent = `No GPU to lose: ${why}.`;
    this.#setBusy(this.#busy);
  }

  /** What was rolled back has told so by an event. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    const before = this.#rollbacks;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof SardonyxError)) throw error;
      if (this.#rollbacks === before) this.#log('refused', error.message, error.code);
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
        this.#log(name, `${from} → ${to}: ${why}`, error?.code);
        this.#show();
      });
    }
    this.#session = session;
    this.#chosen = session.route.variant;
    this.status.use(session, 'glyphs');
    this.#log('load', `${session.route.id}: ${session.route.why.join('; ')}`);
    return session;
  }

  async #loseGpu(session: Session): Promise<void> {
    if (session.route.device !== 'webgpu') await session.swap({ device: 'webgpu' });
    const left = new Promise((resolve) => session.addEventListener('degrade', resolve));
    loseGpu();
    await Promise.race([left, pause(SLOW_MS)]);
  }

  async #slowDown(session: Session): Promise<void> {
    this.#session = undefined;
    await session.dispose();
    const slow = await this.#open(TINY_BUDGET_MS);
    await slow.swap({ variant: 'fp32' });
    const swapped = new Promise((resolve) => slow.addEventListener('swap', resolve));
    await Promise.race([swapped, pause(SLOW_MS)]);
  }

  async #damage(session: Session): Promise<void> {
    for (let waited = 0; session.offline === 'pending' && waited < SLOW_MS; waited += PAUSE_MS) {
      await pause(PAUSE_MS);
    }
    const damaged = await damageStored(session, this.#chosen);
    this.#log('damage', damaged ? 'one byte of the stored file changed' : 'nothing is stored here');
    if (!damaged) return;
    this.#session = undefined;
    await session.dispose();
    await this.#open();
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
      this.#facts.answer.textContent = `${best?.characters.join(' or ') ?? '–'} in ${formatMs(ms)}`;
    } catch (error) {
      // Disposed by an action while it was under way.
      if (session !== this.#session) return;
      this.#failed++;
      showProblem(this.#problem, error);
    }
  }

  #show(): void {
    const session = this.#session;
    this.#facts.state.textContent = session?.state ?? 'loading';
    this.#facts.runs.textContent = `${this.#answered} answered, ${this.#failed} failed`;
    if (!session) return;
    const { id, why } = session.route;
    const text = why.join('\n');
    this.#facts.route.textContent = id;
    if (this.#why.dataset.shown === text) return;
    this.#why.dataset.shown = text;
    this.#why.replaceChildren(...why.map((reason) => element('li', {}, reason)));
  }

  #log(name: string, text: string, code?: string): void {
    const line = element('li', {}, element('b', {}, name), ` ${text}`);
    if (code) line.append(' ', element('code', {}, code));
    this.#events.prepend(line);
    while (this.#events.children.length > shownEvents) this.#events.lastElementChild?.remove();
  }
}
