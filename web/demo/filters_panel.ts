import { load, type Session } from '../index';
import { formatMs } from './latency';
import { byId, context2d, onFile } from './page';
import { decodePicture, fit, pictureFromTensor, tensorFromPicture } from './pictures';
import { showProblem } from './problem';
import { paintScene } from './scene';
import { everyCore } from './threads';
import type { StatusStrip } from './status_strip';

const runsAtStart = 12;

/** Runs the stand-in model on a drawn or chosen picture. */
export class FiltersPanel {
  readonly #input = byId('filters-input', HTMLCanvasElement);
  readonly #output = byId('filters-output', HTMLCanvasElement);
  readonly #timing = byId('filters-timing', HTMLElement);
  readonly #problem = byId('filters-problem', HTMLElement);
  readonly #animate = byId('filters-animate', HTMLButtonElement);
  #session: Session | undefined;
  #filter = 'edges';
  #animating = false;
  #drawn = true;
  #running = false;
  #stale = false;

  constructor(readonly status: StatusStrip) {}

  async start(): Promise<void> {
    paintScene(context2d(this.#input), 0);
    this.#listen();
    try {
      const session = await load(new URL('demo.onnx', document.baseURI), { force: everyCore });
      await session.warmup();
      this.#session = session;
      for (let i = 0; i < runsAtStart; i++) await this.#run();
      this.status.showRoute(session);
    } catch (error) {
      this.status.showUnavailable();
      this.#timing.textContent = 'The model did not start.';
      showProblem(this.#problem, error);
    }
  }

  #listen(): void {
    byId('filters-choice', HTMLFieldSetElement).addEventListener('change', (event) => {
      if (event.target instanceof HTMLInputElement) this.#filter = event.target.value;
      void this.#run();
    });
    this.#animate.addEventListener('click', () => this.#setAnimating(!this.#animating));
    onFile(byId('filters-file', HTMLInputElement), (file) => void this.#usePicture(file));
  }

  #setAnimating(on: boolean): void {
    this.#animating = on;
    this.#animate.setAttribute('aria-pressed', String(on));
    if (!on) return;
    this.#useDrawing();
    const step = (now: number): void => {
      if (!this.#animating) return;
      if (!this.#running) {
        paintScene(context2d(this.#input), now / 1000);
        void this.#run();
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  #useDrawing(): void {
    if (this.#drawn) return;
    this.#drawn = true;
    Object.assign(this.#input, { width: 480, height: 360 });
  }

  async #usePicture(file: File): Promise<void> {
    try {
      const bitmap = await decodePicture(file);
      this.#setAnimating(false);
      this.#drawn = false;
      const [width, height] = fit(bitmap, 640, 640);
      // The model needs 7 × 7 pixels.
      Object.assign(this.#input, { width: Math.max(width, 7), height: Math.max(height, 7) });
      context2d(this.#input).drawImage(bitmap, 0, 0, this.#input.width, this.#input.height);
      bitmap.close();
      await this.#run();
    } catch (error) {
      showProblem(this.#problem, error);
    }
  }

  /** One run at a time; what was asked for meanwhile is answered by one more run with the latest state. */
  async #run(): Promise<void> {
    if (!this.#session) return;
    this.#stale = this.#running;
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#runOnce(this.#session);
      showProblem(this.#problem, undefined);
    } catch (error) {
      this.#setAnimating(false);
      showProblem(this.#problem, error);
    } finally {
      this.#running = false;
    }
    if (this.#stale) await this.#run();
  }

  async #runOnce(session: Session): Promise<void> {
    const { width, height } = this.#input;
    const filter = this.#filter;
    const image = tensorFromPicture(
      context2d(this.#input).getImageData(0, 0, width, height),
      0,
      255,
    );
    const start = performance.now();
    const results = await session.run({ image }, { outputs: [filter] });
    const ms = performance.now() - start;
    const result = results[filter];
    if (!result) throw new Error(`the model gave no output '${filter}'`);
    const picture = pictureFromTensor(result);
    Object.assign(this.#output, { width: picture.width, height: picture.height });
    context2d(this.#output).putImageData(picture, 0, 0);
    this.status.addRun(session, ms);
    this.#timing.textContent = `${width} × ${height} in ${formatMs(ms)}`;
  }
}
