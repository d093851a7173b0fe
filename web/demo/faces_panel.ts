import { load, type Session, type Source, type Tensor } from '../index';
import { candidates, suppress, type FaceBox } from './face_boxes';
import { formatMs } from './latency';
import { byId, context2d, onFile } from './page';
import { decodePicture, fit, tensorFromPicture } from './pictures';
import { showProblem } from './problem';
import { everyCore } from './threads';
import type { StatusStrip } from './status_strip';

const modelName = 'ultraface_rfb320.onnx';
const inputSize = { width: 320, height: 240 };
const stageLimit = 960;
const boxColour = '#c2431f';

type Picture = (ImageBitmap | HTMLVideoElement) & CanvasImageSource;

/** Finds faces in a picture or in what the camera sees. */
export class FacesPanel {
  readonly #state = byId('faces-state', HTMLElement);
  readonly #stage = byId('faces-stage', HTMLElement);
  readonly #canvas = byId('faces-canvas', HTMLCanvasElement);
  readonly #result = byId('faces-result', HTMLElement);
  readonly #problem = byId('faces-problem', HTMLElement);
  readonly #picture = byId('faces-picture', HTMLInputElement);
  readonly #camera = byId('faces-camera', HTMLButtonElement);
  readonly #small = Object.assign(document.createElement('canvas'), inputSize);
  #model: Source | undefined;
  #session: Promise<Session> | undefined;
  #stream: MediaStream | undefined;

  constructor(readonly status: StatusStrip) {}

  async start(): Promise<void> {
    onFile(byId('faces-model', HTMLInputElement), (file) =>
      this.#useModel(file, `Using ${file.name}.`),
    );
    onFile(this.#picture, (file) => void this.#detectInFile(file));
    this.#camera.addEventListener('click', () => {
      if (this.#stream) this.#stopCamera();
      else void this.#startCamera();
    });
    const url = await findModel().catch(() => undefined);
    if (url) {
      this.#useModel(
        url,
        'The face detection model is here. Choose a picture, or let the camera look.',
      );
      return;
    }
    this.#state.textContent = `Not here yet: put ${modelName} (Ultra-Light-Fast-Generic-Face-Detector, RFB-320) into the folder models/ and start again, or choose the file.`;
    byId('faces-model-label', HTMLElement).hidden = false;
  }

  #useModel(model: Source, message: string): void {
    this.#model = model;
    this.#session = undefined;
    this.#state.textContent = message;
    this.#picture.disabled = false;
    this.#camera.disabled = !navigator.mediaDevices;
  }

  /** Loads at the first use; a failed load is tried again at the next. */
  async #open(): Promise<Session> {
    if (!this.#model) throw new Error('There is no model yet.');
    this.#session ??= load(this.#model, { force: everyCore });
    try {
      const session = await this.#session;
      this.status.showRoute(session);
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #detectInFile(file: File): Promise<void> {
    this.#stopCamera();
    showProblem(this.#problem, undefined);
    try {
      const session = await this.#open();
      const bitmap = await decodePicture(file);
      await this.#detect(session, bitmap, bitmap);
      bitmap.close();
    } catch (error) {
      showProblem(this.#problem, error);
    }
  }

  async #startCamera(): Promise<void> {
    showProblem(this.#problem, undefined);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: 640, height: 480 },
      });
      this.#stream = stream;
      this.#camera.setAttribute('aria-pressed', 'true');
      const video = document.createElement('video');
      Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
      await video.play();
      const session = await this.#open();
      while (this.#stream === stream) {
        await this.#detect(session, video, { width: video.videoWidth, height: video.videoHeight });
        await new Promise(requestAnimationFrame);
      }
    } catch (error) {
      showProblem(this.#problem, error);
      this.#stopCamera();
    }
  }

  #stopCamera(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#camera.setAttribute('aria-pressed', 'false');
  }

  async #detect(
    session: Session,
    picture: Picture,
    size: { width: number; height: number },
  ): Promise<void> {
    const small = context2d(this.#small);
    small.drawImage(picture, 0, 0, inputSize.width, inputSize.height);
    const pixels = small.getImageData(0, 0, inputSize.width, inputSize.height);
    const start = performance.now();
    const results = await session.run({ input: tensorFromPicture(pixels, 127, 128) });
    const ms = performance.now() - start;
    const faces = suppress(
      candidates(floats(results, 'scores'), floats(results, 'boxes'), 0.7),
      0.3,
    );
    this.status.addRun(session, ms);
    this.#draw(picture, fit(size, stageLimit, stageLimit), faces);
    const count = faces.length === 1 ? '1 face' : `${faces.length || 'no'} faces`;
    this.#result.textContent = `${count} in ${formatMs(ms)}`;
  }

  #draw(picture: Picture, [width, height]: [number, number], faces: readonly FaceBox[]): void {
    this.#stage.hidden = false;
    Object.assign(this.#canvas, { width, height });
    const context = context2d(this.#canvas);
    context.drawImage(picture, 0, 0, width, height);
    const size = Math.max(12, Math.round(width / 45));
    context.lineWidth = Math.max(2, width / 240);
    context.font = `600 ${size}px system-ui, sans-serif`;
    context.strokeStyle = boxColour;
    for (const { left, top, right, bottom, score } of faces) {
      const [x, y] = [left * width, top * height];
      context.strokeRect(x, y, (right - left) * width, (bottom - top) * height);
      const label = `${Math.floor(100 * score)} %`;
      context.fillStyle = boxColour;
      context.fillRect(x, y - 1.4 * size, context.measureText(label).width + size, 1.4 * size);
      context.fillStyle = '#ffffff';
      context.fillText(label, x + size / 2, y - 0.35 * size);
    }
  }
}

function floats(results: Record<string, Tensor>, name: string): Float32Array {
  const data = results[name]?.data;
  if (!(data instanceof Float32Array))
    throw new Error(`This model has no float output '${name}': it is not RFB-320.`);
  return data;
}

/** Where the build found the model, if it did. */
async function findModel(): Promise<URL | undefined> {
  const answer = await fetch('models.json');
  if (!answer.ok) return undefined;
  const places = (await answer.json()) as Record<string, string>;
  const place = places[modelName];
  return place === undefined ? undefined : new URL(place, document.baseURI);
}
