import type { PlanReport, Session, Tensor, ValueInfo } from '../index';
import { element } from './page';
import type { Fill } from './random_feeds';

export const formatDims = (dims: readonly (number | string | null)[]): string =>
  dims.length ? dims.map((d) => d ?? '?').join(' × ') : 'scalar';

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function table(heads: readonly string[], rows: readonly HTMLTableRowElement[]): HTMLElement {
  const head = element('tr', {}, ...heads.map((text) => element('th', { scope: 'col' }, text)));
  return element(
    'div',
    { className: 'table' },
    element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
  );
}

/** One line of what the file is, its operators by count, and its warnings. */
export function describeModel(
  file: { name: string; size: number },
  report: PlanReport,
): HTMLElement[] {
  const { model } = report;
  const opsets = Object.entries(model.opsets).map(
    ([domain, version]) => `${domain || 'ai.onnx'} ${version}`,
  );
  const facts = element('p', { className: 'facts' }, element('b', {}, file.name));
  facts.append(`, ${formatBytes(file.size)} · opset ${opsets.join(', ')} · IR ${model.irVersion}`);
  if (model.producer) facts.append(` · ${model.producer}`);
  const parts: HTMLElement[] = [facts];
  if (model.warnings.length) {
    parts.push(
      element('ul', { className: 'warnings' }, ...model.warnings.map((w) => element('li', {}, w))),
    );
  }
  const operators = Object.entries(model.operators).sort(
    (a, b) => b[1] - a[1] || a[0].localeCompare(b[0]),
  );
  const total = operators.reduce((sum, [, count]) => sum + count, 0);
  const chips = operators.map(([name, count]) =>
    element('li', {}, name, element('b', {}, String(count))),
  );
  parts.push(element('h3', {}, `${total} nodes`), element('ul', { className: 'chips' }, ...chips));
  return parts;
}

/** The table of inputs; symbolic dims and the fill of each input can be edited. */
export class InputTable {
  readonly root: HTMLElement;
  readonly #rows: {
    info: ValueInfo;
    dims: (number | HTMLInputElement)[];
    fill: HTMLSelectElement;
  }[] = [];

  constructor(inputs: readonly ValueInfo[]) {
    const rows = inputs.map((info) => this.#row(info));
    this.root = table(['Input', 'Type', 'Shape', 'Values'], rows);
  }

  /** What the user asked for; a symbol that names several dims has one value everywhere. */
  choices(): { info: ValueInfo; shape: number[]; fill: Fill }[] {
    return this.#rows.map(({ info, dims, fill }) => ({
      info,
      shape: dims.map((d) =>
        typeof d === 'number' ? d : Math.max(0, Math.floor(d.valueAsNumber || 0)),
      ),
      fill: fill.value as Fill,
    }));
  }

  #row(info: ValueInfo): HTMLTableRowElement {
    const dims = (info.shape ?? []).map((d, i) =>
      typeof d === 'number' ? d : this.#dimInput(info, i, d),
    );
    const shape = element('div', { className: 'dims' });
    for (const [axis, dim] of dims.entries()) {
      if (axis) shape.append(element('span', {}, '×'));
      shape.append(typeof dim === 'number' ? element('span', {}, String(dim)) : dim);
    }
    if (!dims.length) shape.append(info.shape ? 'scalar' : 'not declared');
    const options = ['random', 'zeros', 'ones'].map((v) => element('option', { value: v }, v));
    const fill = element('select', { ariaLabel: `Values for ${info.name}` }, ...options);
    this.#rows.push({ info, dims, fill });
    return element(
      'tr',
      {},
      element('td', { className: 'name' }, info.name),
      element('td', {}, info.type),
      element('td', { className: 'figures' }, shape),
      element('td', {}, fill),
    );
  }

  #dimInput(info: ValueInfo, axis: number, symbol: string | null): HTMLInputElement {
    const title = symbol ?? `dim ${axis}`;
    const input = element('input', {
      className: 'dim',
      type: 'number',
      min: '0',
      value: String(suggestedDim(symbol)),
      title,
      ariaLabel: `${info.name}: ${title}`,
    });
    if (symbol) {
      input.dataset.symbol = symbol;
      input.addEventListener('input', () => this.#setSymbol(symbol, input.value));
    }
    return input;
  }

  #setSymbol(symbol: string, value: string): void {
    for (const { dims } of this.#rows) {
      for (const d of dims)
        if (typeof d !== 'number' && d.dataset.symbol === symbol) d.value = value;
    }
  }
}

/** A first value for a symbolic dim, by the names that exporters use. */
function suggestedDim(symbol: string | null): number {
  const name = symbol?.toLowerCase() ?? '';
  if (name.includes('past')) return 0;
  if (/height|width/.test(name)) return 224;
  if (/seq|length|total/.test(name)) return 8;
  return 1;
}

export function outputTable(session: Session, results?: Record<string, Tensor>): HTMLElement {
  const rows = session.outputs.map((info) => {
    const result = results?.[info.name];
    return element(
      'tr',
      {},
      element('td', { className: 'name' }, info.name),
      element('td', {}, info.type),
      element('td', { className: 'figures' }, formatDims(result?.shape ?? info.shape ?? [])),
      element('td', { className: 'figures' }, result ? summarize(result) : '–'),
    );
  });
  return table(['Output', 'Type', 'Shape', 'Range and mean'], rows);
}

function summarize({ data, type }: Tensor): string {
  if (Array.isArray(data) || type === 'float16' || data.length === 0) return '–';
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const element of data) {
    const value = Number(element);
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  const show = (v: number): string => String(Number(v.toPrecision(4)));
  return `${show(min)} … ${show(max)}, mean ${show(sum / data.length)}`;
}
