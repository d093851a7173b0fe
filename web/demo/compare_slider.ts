/** Two pictures one over the other; a handle sets how much of the lower one is covered. */
export class CompareSlider {
  readonly #root: HTMLElement;
  readonly before: HTMLCanvasElement;
  readonly after: HTMLCanvasElement;

  constructor(root: HTMLElement) {
    const [before, after] = root.querySelectorAll('canvas');
    const range = root.querySelector('input');
    if (!before || !after || !range) throw new Error('a comparison needs two canvases and a range');
    this.#root = root;
    this.before = before;
    this.after = after;
    const show = (): void => {
      root.style.setProperty('--split', `${range.value}%`);
      range.ariaValueText = `${range.value} % noisy, ${100 - range.valueAsNumber} % denoised`;
    };
    range.addEventListener('input', show);
    show();
  }

  /** Sizes both and clears them. */
  resize(width: number, height: number): void {
    this.#root.style.setProperty('--ratio', String(width / height));
    for (const canvas of [this.before, this.after]) Object.assign(canvas, { width, height });
  }
}
