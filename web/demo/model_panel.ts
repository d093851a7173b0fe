import { load, type LoadOptions, type Session } from '../index';
import { formatMs } from './latency';
import { InputTable, describeModel, formatBytes, outputTable } from './model_report';
import { byId, element, onFile } from './page';
import { isAbort, showProblem } from './problem';
import { makeFeed } from './random_feeds';
import { everyCore } from './threads';
import type { StatusStrip } from './status_strip';
import { timeReport } from './time_report';

type Progress = Parameters<NonNullable<LoadOptions['onProgress']>>[0];

const timedRuns = 8;
const profiledRuns = 20;
const phases = {
  download: 'Reading',
  verify: 'Checking',
  compile: 'Compiling',
  selftest: 'Testing',
} as const;

/** Opens the user's model, shows what is inside, runs it with made-up input. */
export class ModelPanel {
  readonly #loading = byId('own-loading', HTMLElement);
  readonly #phase = byId('own-phase', HTMLElement);
  readonly #progress = byId('own-progress', HTMLProgressElement);
  readonly #problem = byId('own-problem', HTMLElement);
  readonly #report = byId('own-report', HTMLElement);
  #session: Session | undefined;
  #opening: AbortController | undefined;

  constructor(readonly status: StatusStrip) {}

  start(): void {
    onFile(byId('own-file', HTMLInputElement), (file) => void this.open(file));
    byId('own-cancel', HTMLButtonElement).addEventListener('click', () => this.#opening?.abort());
  }

  /** Opens a file from elsewhere on the page. */
  show(file: File): Promise<void> {
    byId('own', HTMLElement).scrollIntoView({ behavior: 'smooth' });
    return this.open(file);
  }

  async open(file: File): Promise<void> {
    this.#opening?.abort();
    const opening = (this.#opening = new AbortController());
    showProblem(this.#problem, undefined);
    this.#report.hidden = true;
    this.#loading.hidden = false;
    this.#phase.textContent = `Reading ${file.name}`;
    this.#progress.removeAttribute('value');
    try {
      await this.#session?.dispose();
      this.#session = undefined;
      const session = await load(file, {
        force: everyCore,
        signal: opening.signal,
        onProgress: (progress) => this.#showProgress(file.name, progress),
      });
      this.#session = session;
      this.status.use(session, file.name);
      this.#show(file, session, describeModel(file, await session.explain()));
    } catch (error) {
      if (!isAbort(error)) showProblem(this.#problem, error);
    } finally {
      if (this.#opening === opening) this.#loading.hidden = true;
    }
  }

  #showProgress(name: string, { phase, loaded, total }: Progress): void {
    const done = total ? ` ${formatBytes(loaded)} of ${formatBytes(total)}` : '';
    this.#phase.textContent = `${phases[phase]} ${name}${done}`;
    if (total) this.#progress.value = loaded / total;
    else this.#progress.removeAttribute('value');
  }

  #show(file: File, session: Session, description: HTMLElement[]): void {
    const inputs = new InputTable(session.inputs);
    const run = element('button', { type: 'button', className: 'primary', id: 'own-run' }, 'Run');
    const cancel = element('button', { type: 'button', id: 'own-stop', hidden: true }, 'Stop');
    const timing = element('output', { id: 'own-timing' });
    const outputs = element('div', { id: 'own-outputs' }, outputTable(session));
    const measure = element('button', { type: 'button', id: 'own-profile' }, 'Where the time goes');
    const times = element('div', { id: 'own-times' });
    const work = (button: HTMLButtonElement, task: (signal: AbortSignal) => Promise<void>) =>
      button.addEventListener('click', () => {
        const stop = new AbortController();
        cancel.onclick = () => stop.abort();
        for (const other of [run, measure]) other.disabled = true;
        cancel.hidden = false;
        void this.#guard(timing, () => task(stop.signal)).finally(() => {
          for (const other of [run, measure]) other.disabled = false;
          cancel.hidden = true;
        });
      });
    work(run, (signal) => this.#run(session, inputs, { timing, outputs, signal }));
    work(measure, async (signal) => {
      const feeds = feedsOf(inputs);
      await session.run(feeds, { signal });
      const profile = await session.profile(feeds, { signal, runs: profiledRuns });
      times.replaceChildren(timeReport(profile, file.name));
      timing.textContent = '';
    });
    this.#report.replaceChildren(
      ...description,
      inputs.root,
      element('div', { className: 'run' }, run, measure, cancel, timing),
      times,
      outputs,
    );
    this.#report.dataset.file = file.name;
    this.#report.hidden = false;
  }

  async #run(
    session: Session,
    inputs: InputTable,
    { timing, outputs, signal }: { timing: HTMLElement; outputs: HTMLElement; signal: AbortSignal },
  ): Promise<void> {
    const feeds = feedsOf(inputs);
    const times: number[] = [];
    for (let i = 0; i <= timedRuns; i++) {
      const start = performance.now();
      const results = await session.run(feeds, { signal });
      times.push(performance.now() - start);
      if (i > 0) this.status.addRun(session, times[i] ?? 0);
      if (i === 0) outputs.replaceChildren(outputTable(session, results));
      timing.textContent = describeTimes(times);
    }
  }

  // What goes wrong with `task` is shown.
  async #guard(timing: HTMLElement, task: () => Promise<void>): Promise<void> {
    showProblem(this.#problem, undefined);
    timing.textContent = 'Running…';
    try {
      await task();
    } catch (error) {
      timing.textContent = isAbort(error) ? 'Stopped.' : '';
      if (!isAbort(error)) showProblem(this.#problem, error);
    }
  }
}

const feedsOf = (inputs: InputTable) =>
  Object.fromEntries(
    inputs.choices().map(({ info, shape, fill }) => [info.name, makeFeed(info, shape, fill)]),
  );

function describeTimes([first = 0, ...later]: number[]): string {
  if (!later.length) return `first run ${formatMs(first)}`;
  const median = [...later].sort((a, b) => a - b)[later.length >> 1];
  return `first run ${formatMs(first)}, then ${formatMs(median)} (median of ${later.length})`;
}
