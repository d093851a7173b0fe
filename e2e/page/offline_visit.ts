// Drives the demo in tabs of its own: visits it once, waits until its server is gone, reloads it and opens
// it again. This page stays as it is meanwhile and reports to another server.
import { step, within } from './self_driven';

export interface Visit {
  /** What the page says of offline use: 'ready', or 'failed' with notices. */
  readonly offline: string;
  readonly notices: string;
}

export interface Tab {
  readonly isolated: boolean;
  readonly offline: string;
  /** What the model reads of the letter that was drawn. */
  readonly read: string;
  /** PSNR of the sample picture, in dB. */
  readonly noisy: number;
  readonly denoised: number;
  readonly problems: string;
  /** The status strip: device, variant, module, threads… */
  readonly status: Readonly<Record<string, string>>;
}

const app = '/';

/** Whether the server of this page is gone. */
const refused = async (): Promise<boolean> =>
  fetch(location.href, { method: 'POST', cache: 'no-store' }).then(
    () => false,
    () => true,
  );

function openTab(): Window {
  const tab = window.open(app, '_blank');
  if (!tab) throw new Error('the browser opens no window');
  return tab;
}

const textOf = (tab: Window, selector: string): string =>
  tab.document.querySelector(selector)?.textContent.trim() ?? '';

async function offlineState(tab: Window): Promise<string> {
  const state = (): string => tab.document.querySelector('html')?.dataset.offline ?? '';
  await within('the page is ready for offline use', () => /ready|failed/.test(state()));
  return state();
}

const firstVisit = async (tab: Window): Promise<Visit> => ({
  offline: await offlineState(tab),
  notices: textOf(tab, '#notices'),
});

async function reload(tab: Window): Promise<void> {
  const before = tab.document;
  tab.location.reload();
  await within('the reloaded page', () => tab.document !== before);
}

/** Has a letter drawn and read, and a picture denoised. */
async function use(tab: Window, drawn: string): Promise<Tab> {
  await within('the first answer', () => textOf(tab, '#draw-answer') !== '');
  await within('the denoised sample', () => textOf(tab, '#denoise-state') === 'Done.');
  tab.document.querySelector<HTMLElement>(`#draw-samples [aria-label="Draw ${drawn}"]`)?.click();
  const read = (): string => textOf(tab, '#draw-answer');
  await within(`'${drawn}' is read`, () => read() === drawn);
  const offline = await offlineState(tab);
  const fields = [...tab.document.querySelectorAll<HTMLElement>('[data-status]')];
  return {
    isolated: tab.crossOriginIsolated,
    offline,
    read: read(),
    noisy: parseFloat(textOf(tab, '#denoise-psnr-before')),
    denoised: parseFloat(textOf(tab, '#denoise-psnr-after')),
    problems: [...tab.document.querySelectorAll('.problem')].map((p) => p.textContent).join('\n'),
    status: Object.fromEntries(
      fields.map((field) => [field.dataset.status ?? '', field.textContent.trim()]),
    ),
  };
}

// Else the demo may find floats faster and choose them.
void navigator.locks.request('sardonyx-calibration', () => new Promise(() => undefined));
const tab = openTab();
await step('first visit', () => firstVisit(tab));
await step('the server is gone', () => within('no answer', refused));
await step('reloaded', async () => {
  await reload(tab);
  return use(tab, 'X');
});
await step('second tab', () => use(openTab(), 'D'));
await step('the server is still gone', refused);
