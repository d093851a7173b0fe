import { load, type Session } from '../index';
import { CompareSlider } from './compare_slider';
import { denoise } from './denoiser';
import { formatMs } from './latency';
import { modelUrls } from './model_urls';
import { normalNoise, psnr, withNoise } from './noise';
import { byId, context2d, onFile } from './page';
import { decodePicture, fit } from './pictures';
import { isAbort, showProblem } from './problem';
import { paintScene } from './scene';
import { sideLimit } from './side_limit';
import { everyCore } from './threads';
import type { StatusStrip } from './status_strip';

const sampleSize = { width: 640, height: 480 };
const seed = 1;
/** Work shorter than this needs no progress bar. */
const PATIENCE_MS = 1000;

/** A picture with noise and the same one as models/denoise cleans it. */
export class DenoisePanel {
  readonly #compare = new CompareSlider(byId('denoise-compare', HTMLElement));
  readonly #noise = byId('denoise-noise', HTMLInputElement);
  readonly #noiseValue = byId('denoise-noise-value', HTMLOutputElement);
  readonly #state = byId('denoise-state', HTMLElement);
  readonly #figures = {
    pixels: byId('denoise-pixels', HTMLElement),
    time: byId('denoise-time', HTMLElement),
    before: byId('denoise-psnr-before', HTMLElement),
    after: byId('denoise-psnr-after', HTMLElement),
  };
  readonly #size = byId('denoise-size', HTMLElement);
  readonly #loading = byId('denoise-loading', HTMLElement);
  readonly #progress = byId('denoise-progress', HTMLProgressElement);
  readonly #problem = byId('denoise-problem', HTMLElement);
  #session: Promise<Session> | undefined;
  #clean: ImageData;
  #field: Float32Array;
  #working: AbortController | undefined;
  #msPerPixel: number | undefined;

  constructor(readonly status: StatusStrip) {
    this.#clean = paintedScene();
    this.#field = noiseFor(this.#clean);
    this.#noise.addEventListener('input', () => void this.#update());
    onFile(byId('denoise-file', HTMLInputElement), (file) => void this.open(file));
    byId('denoise-sample', HTMLButtonElement).addEventListener('click', () => this.#useSample());
    byId('denoise-stop', HTMLButtonElement).addEventListener('click', () => this.#working?.abort());
    addEventListener('paste', ({ clipboardData }) => {
      const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (file) void this.show(file);
    });
    this.#showNoisy();
  }

  /** Cleans the sample; resolves with the session, or undefined when there is none. */
  async start(): Promise<Session | undefined> {
    await this.#update();
    return this.#session?.catch(() => undefined);
  }

  /** Opens a file from elsewhere on the page. */
  show(file: File): Promise<void> {
    byId('denoise', HTMLElement).scrollIntoView({ behavior: 'smooth' });
    return this.open(file);
  }

  /** Cleans a picture of the reader's own, made smaller if this device would take too long. */
  async open(file: File): Promise<void> {
    try {
      const bitmap = await decodePicture(file);
      const limit = sideLimit(this.#msPerPixel);
      const [width, height] = fit(bitmap, limit, limit);
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      if (!context) throw new Error('this browser gives no 2d canvas');
      context.imageSmoothingQuality = 'high';
      context.drawImage(bitmap, 0, 0, width, height);
      this.#size.textContent =
        width < bitmap.width
          ? `Made smaller, from ${bitmap.width} × ${bitmap.height} to ${width} × ${height}: more would take this device too long.`
          : '';
      bitmap.close();
      this.#noise.value = '0';
      this.#use(context.getImageData(0, 0, width, height));
    } catch (error) {
      showProblem(this.#problem, error);
    }
  }

  #useSample(): void {
    this.#size.textContent = '';
    this.#noise.value = this.#noise.defaultValue;
    this.#use(paintedScene());
  }

  #use(picture: ImageData): void {
    this.#clean = picture;
    this.#field = noiseFor(picture);
    void this.#update();
  }

  #showNoisy(): ImageData {
    const sigma = this.#noise.valueAsNumber;
    const noisy = withNoise(this.#clean, this.#field, sigma);
    this.#noiseValue.value = sigma ? `σ ${sigma} of 255` : 'none added';
    this.#compare.resize(noisy.width, noisy.height);
    for (const canvas of [this.#compare.before, this.#compare.after]) {
      context2d(canvas).putImageData(noisy, 0, 0);
    }
    return noisy;
  }

  /** Starts over with what is asked for now; what is under way for something else is dropped. */
  async #update(): Promise<void> {
    this.#working?.abort();
    const working = (this.#working = new AbortController());
    showProblem(this.#problem, undefined);
    const noisy = this.#showNoisy();
    const patience = setTimeout(() => (this.#loading.hidden = false), PATIENCE_MS);
    try {
      const session = await this.#open();
      working.signal.throwIfAborted();
      const ms = await this.#denoise(session, working.signal);
      this.#msPerPixel = ms / (noisy.width * noisy.height);
      this.#report(noisy, ms);
    } catch (error) {
      if (this.#working === working) {
        this.#state.textContent = isAbort(error) ? 'Stopped.' : 'Not denoised.';
      }
      if (!isAbort(error)) showProblem(this.#problem, error);
    } finally {
      clearTimeout(patience);
      if (this.#working === working) this.#loading.hidden = true;
    }
  }

  /** Loads at the first use; a failed load is tried again at the next. */
  async #open(): Promise<Session> {
    this.#session ??= load(modelUrls.denoise, { force: everyCore });
    try {
      const session = await this.#session;
      this.status.use(session, 'denoise');
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #denoise(session: Session, signal: AbortSignal): Promise<number> {
    const after = context2d(this.#compare.after);
    let total = 0;
    this.#state.textContent = 'Denoising…';
    this.#progress.value = 0;
    await denoise(session, context2d(this.#compare.before), {
      signal,
      onTile: (part, { x, y }, done, count, ms) => {
        if (signal.aborted) return;
        after.putImageData(part, x, y);
        this.#progress.value = done / count;
        this.status.addRun(session, ms);
        total += ms;
      },
    });
    return total;
  }

  /** `noisy` and its cleaned version against the picture before noise was added, where it was. */
  #report(noisy: ImageData, ms: number): void {
    const { width, height } = noisy;
    const cleaned = context2d(this.#compare.after).getImageData(0, 0, width, height);
    const ratio = (picture: ImageData): string =>
      this.#noise.valueAsNumber > 0 ? `${psnr(picture, this.#clean).toFixed(1)} dB` : '–';
    this.#figures.pixels.textContent = `${width} × ${height}`;
    this.#figures.time.textContent = formatMs(ms);
    this.#figures.before.textContent = ratio(noisy);
    this.#figures.after.textContent = ratio(cleaned);
    this.#state.textContent = 'Done.';
  }
}

function paintedScene(): ImageData {
  const { width, height } = sampleSize;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('this browser gives no 2d canvas');
  paintScene(context);
  return context.getImageData(0, 0, width, height);
}

const noiseFor = ({ width, height }: ImageData): Float32Array =>
  normalNoise(3 * width * height, seed);
