// Drives the demo page in a frame: waits until it works offline, has the server stopped, reloads it.
// Runs in every browser engine; what it finds goes to the server that `reports` of the URL names.

/** What the demo shows, as text. */
export interface DemoState {
  readonly offline: string | undefined;
  readonly notices: string | undefined;
  readonly threads: string | undefined;
  readonly isolated: boolean;
}

export interface DemoAnswers {
  readonly glyph: string | undefined;
  readonly psnr: { readonly before: number; readonly after: number };
  readonly problems: string;
}

const query = new URLSearchParams(location.search);
const reports = query.get('reports') ?? '';
const frame = document.createElement('iframe');
frame.width = '1000';
frame.height = '1000';

const text = (id: string): string | undefined =>
  frame.contentDocument?.getElementById(id)?.innerText;
const status = (name: string): string | undefined =>
  frame.contentDocument?.querySelector<HTMLElement>(`[data-status=${name}]`)?.innerText;

async function until(holds: () => unknown): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function report(step: string, work: () => Promise<unknown>): Promise<void> {
  const send = (content: object): Promise<unknown> =>
    fetch(reports, { method: 'POST', body: JSON.stringify({ step, ...content }) });
  await work().then(
    (result) => send({ state: 'done', result }),
    (error: unknown) => send({ state: 'failed', failure: String(error) }),
  );
}

async function visit(): Promise<DemoState> {
  frame.src = '/';
  document.body.append(frame);
  const root = (): HTMLElement | undefined => frame.contentDocument?.documentElement;
  await until(() => ['ready', 'failed'].includes(root()?.dataset.offline ?? ''));
  return state();
}

const state = (): DemoState => ({
  offline: frame.contentDocument?.documentElement.dataset.offline,
  notices: text('notices'),
  threads: status('threads'),
  isolated: frame.contentWindow?.crossOriginIsolated ?? false,
});

async function afterReload(): Promise<DemoState & DemoAnswers> {
  const old = frame.contentDocument;
  frame.contentWindow?.location.reload();
  await until(() => frame.contentDocument !== old && text('denoise-state') === 'Done.');
  frame.contentDocument?.querySelector<HTMLElement>('[aria-label="Draw R"]')?.click();
  await until(() => text('draw-answer') === 'R');
  const decibels = (which: string): number => parseFloat(text(`denoise-psnr-${which}`) ?? '');
  return {
    ...state(),
    glyph: text('draw-answer'),
    psnr: { before: decibels('before'), after: decibels('after') },
    problems: ['draw', 'denoise', 'own'].map((panel) => text(`${panel}-problem`)).join(''),
  };
}

/** The server of the demo answers until it has been stopped. */
async function serverStopped(): Promise<void> {
  const alive = (): Promise<boolean> =>
    fetch('/alive', { cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    );
  while (await alive()) await new Promise((resolve) => setTimeout(resolve, 50));
}

await report('visit', visit);
await serverStopped();
await report('reload', afterReload);
