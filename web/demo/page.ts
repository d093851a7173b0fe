/** The element with this id, checked to be of the given class. */
export function byId<E extends HTMLElement>(
  id: string,
  type: abstract new (...args: never[]) => E,
): E {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

type Child = Node | string;

/** Creates an element; properties are assigned, not parsed, so text from a model is never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser gives no 2d canvas');
  return context;
}

/** The first file chosen in `input`, passed on; the input can then be used for the same file again. */
export function onFile(input: HTMLInputElement, use: (file: File) => void): void {
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) use(file);
  });
}
