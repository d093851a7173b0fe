import type { Profile, StepProfile } from '../index';
import { formatMs } from './latency';
import { formatDims } from './model_report';
import { element } from './page';

const SHOWN = 12;

interface Bar {
  readonly name: string;
  readonly detail: string;
  readonly ms: number;
  readonly flops: number;
}

/** Where the time of a run goes, as bars; and the button that saves it for other tools. */
export function timeReport(profile: Profile, file: string): HTMLElement {
  const { ms, runs, flops, steps, overheadMs } = profile;
  const outer = steps.filter(({ depth }) => depth === 0);
  const save = element('button', { type: 'button', id: 'own-trace' }, 'Save the trace');
  save.addEventListener('click', () => saveTrace(profile, file));
  const rate = flops > 0 ? `, ${gigaflops(flops, ms)}` : '';
  return element(
    'div',
    { className: 'times' },
    element('h3', {}, 'By kernel'),
    bars(byKernel(outer), ms),
    element('h3', {}, 'The slowest steps'),
    bars(outer.map(barOf), ms),
    element(
      'p',
      { className: 'hint' },
      `${formatMs(ms)} in the engine${rate}, ${formatMs(overheadMs)} of it between steps. Mean of ${runs} runs. Perfetto and chrome://tracing open the trace.`,
    ),
    element('div', { className: 'buttons' }, save),
  );
}

const barOf = ({ node, operator, kernel, ms, flops, outputs }: StepProfile): Bar => {
  const [first] = outputs;
  return {
    name: node === '' ? operator : node,
    detail: `${operator}, ${kernel}${first ? `, ${formatDims(first.shape)}` : ''}`,
    ms,
    flops,
  };
};

function byKernel(steps: readonly StepProfile[]): Bar[] {
  const groups = new Map<string, StepProfile[]>();
  for (const step of steps) {
    const name = `${step.operator}, ${step.kernel}`;
    groups.set(name, [...(groups.get(name) ?? []), step]);
  }
  return [...groups].map(([name, members]) => ({
    name,
    detail: members.length === 1 ? '1 step' : `${members.length} steps`,
    ms: members.reduce((sum, step) => sum + step.ms, 0),
    flops: members.reduce((sum, step) => sum + step.flops, 0),
  }));
}

function bars(all: readonly Bar[], whole: number): HTMLElement {
  const sorted = [...all].sort((a, b) => b.ms - a.ms);
  const rest = sorted.slice(SHOWN);
  const items = sorted.slice(0, SHOWN).map((bar) => barItem(bar, whole));
  if (rest.length > 0) {
    const ms = rest.reduce((sum, bar) => sum + bar.ms, 0);
    const flops = rest.reduce((sum, bar) => sum + bar.flops, 0);
    items.push(barItem({ name: `${rest.length} more`, detail: '', ms, flops }, whole));
  }
  return element('ol', { className: 'time-bars' }, ...items);
}

function barItem({ name, detail, ms, flops }: Bar, whole: number): HTMLElement {
  const share = whole > 0 ? ms / whole : 0;
  const fill = element('span', { className: 'time-fill', ariaHidden: 'true' });
  fill.style.width = `${(100 * Math.min(share, 1)).toFixed(1)}%`;
  const facts = [detail, flops > 0 ? gigaflops(flops, ms) : ''].filter((text) => text !== '');
  return element(
    'li',
    {},
    element('span', { className: 'time-name' }, name),
    element(
      'span',
      { className: 'time-figures' },
      `${formatMs(ms)}, ${(100 * share).toFixed(0)} %`,
    ),
    element('span', { className: 'time-track', ariaHidden: 'true' }, fill),
    element('span', { className: 'time-detail' }, facts.join(', ')),
  );
}

function gigaflops(flops: number, ms: number): string {
  const rate = ms > 0 ? flops / ms / 1e6 : 0;
  return `${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} GFLOP/s`;
}

function saveTrace(profile: Profile, file: string): void {
  const trace = new Blob([JSON.stringify(profile.toTrace())], { type: 'application/json' });
  const url = URL.createObjectURL(trace);
  element('a', { href: url, download: `${file.replace(/\.onnx$/i, '')}.trace.json` }).click();
  URL.revokeObjectURL(url);
}
