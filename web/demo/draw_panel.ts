import { load, Tensor, type Session } from '../index';
import { GLYPH_SIZE, glyphInput } from './glyph_input';
import { bestGlyphs, type GlyphScore } from './glyph_scores';
import { InkPad } from './ink_pad';
import { formatMs } from './latency';
import { modelUrls } from './model_urls';
import { byId, context2d, element } from './page';
import { isSuperseded, showProblem } from './problem';
import { sampleLetters, sampleStrokes } from './sample_strokes';
import { everyCore } from './threads';
import type { StatusStrip } from './status_strip';

const shown = 5;
const firstSample = 'S';

/** Says while one draws which digit or capital letter it is. */
export class DrawPanel {
  readonly #answer = byId('draw-answer', HTMLElement);
  readonly #bars = byId('draw-bars', HTMLOListElement);
  readonly #timing = byId('draw-timing', HTMLElement);
  readonly #spoken = byId('draw-spoken', HTMLElement);
  readonly #seen = byId('draw-seen', HTMLCanvasElement);
  readonly #problem = byId('draw-problem', HTMLElement);
  readonly #pad: InkPad;
  #session: Session | undefined;
  #spokenNext = false;

  constructor(readonly status: StatusStrip) {
    this.#pad = new InkPad(byId('draw-pad', HTMLCanvasElement), (strokeEnded) => {
      this.#spokenNext ||= strokeEnded;
      void this.#recognise();
    });
    byId('draw-clear', HTMLButtonElement).addEventListener('click', () => this.#pad.clear());
    byId('draw-undo', HTMLButtonElement).addEventListener('click', () => this.#pad.undo());
    byId('draw-samples', HTMLElement).append(...sampleLetters.map((c) => this.#sampleButton(c)));
    void this.#pad.show(sampleStrokes(firstSample), false);
  }

  /** Resolves with the session after its first answer; undefined when there is none. */
  async start(): Promise<Session | undefined> {
    try {
      this.#session = await load(modelUrls.glyphs, { force: everyCore });
      this.status.use(this.#session, 'glyphs');
      await this.#recognise();
      performance.mark('first-answer');
    } catch (error) {
      this.#timing.textContent = 'The model did not start.';
      this.status.showUnavailable();
      showProblem(this.#problem, error);
    }
    return this.#session;
  }

  /** What the model gets of the pad; undefined without ink. */
  input(): Float32Array | undefined {
    return glyphInput(this.#pad.ink());
  }

  #sampleButton(letter: string): HTMLButtonElement {
    const button = element('button', { type: 'button', ariaLabel: `Draw ${letter}` }, letter);
    button.addEventListener('click', () => void this.#pad.show(sampleStrokes(letter), true));
    return button;
  }

  async #recognise(): Promise<void> {
    const session = this.#session;
    const values = glyphInput(this.#pad.ink());
    this.#showSeen(values);
    if (!session) return;
    if (!values) {
      this.#showNothing();
      return;
    }
    const glyph = new Tensor('float32', values, [1, 1, GLYPH_SIZE, GLYPH_SIZE]);
    const start = performance.now();
    try {
      const { probabilities } = await session.run({ glyph }, { latest: true });
      const ms = performance.now() - start;
      this.status.addRun(session, ms);
      if (probabilities) this.#show(probabilities, session, ms);
      showProblem(this.#problem, undefined);
    } catch (error) {
      if (!isSuperseded(error)) showProblem(this.#problem, error);
    }
  }

  #show({ data }: Tensor, { manifest }: Session, ms: number): void {
    const { labels = '', lookAlikes = [] } = manifest ?? {};
    const best = bestGlyphs(data as Float32Array, Array.from(labels), lookAlikes, shown);
    const [first] = best;
    if (!first || glyphInput(this.#pad.ink()) === undefined) return;
    this.#answer.textContent = first.characters[0] ?? '';
    this.#bars.replaceChildren(...best.map(bar));
    this.#timing.textContent = `in ${formatMs(ms)}`;
    if (!this.#spokenNext) return;
    this.#spokenNext = false;
    this.#spoken.textContent = `${names(first)}, ${percent(first)}`;
  }

  #showNothing(): void {
    this.#answer.textContent = '';
    this.#bars.replaceChildren();
    this.#timing.textContent = 'Draw a digit or a capital letter.';
    this.#spokenNext = false;
    this.#spoken.textContent = 'The pad is empty.';
  }

  /** The picture that the network gets, ink dark on light. */
  #showSeen(values: Float32Array | undefined): void {
    const picture = new ImageData(GLYPH_SIZE, GLYPH_SIZE);
    for (let i = 0; i < GLYPH_SIZE * GLYPH_SIZE; i++) {
      picture.data.fill(255 - 255 * (values?.[i] ?? 0), 4 * i, 4 * i + 3);
      picture.data[4 * i + 3] = 255;
    }
    context2d(this.#seen).putImageData(picture, 0, 0);
  }
}

const names = ({ characters }: GlyphScore): string => characters.join(' or ');
const percent = ({ probability }: GlyphScore): string => `${Math.floor(100 * probability)} %`;

function bar(score: GlyphScore): HTMLLIElement {
  const fill = element('span', { className: 'bar', ariaHidden: 'true' });
  fill.style.setProperty('--share', String(score.probability));
  return element(
    'li',
    {},
    element('span', { className: 'glyph' }, names(score)),
    fill,
    element('span', { className: 'share' }, percent(score)),
  );
}
