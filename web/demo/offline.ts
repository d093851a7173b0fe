// Whether the page works without a network, and what is missing if it does not.
import { models, SardonyxError } from '../index';
import { modelUrls } from './model_urls';
import { byId, element } from './page';
import type { StatusStrip } from './status_strip';

/** What other devices choose of each model: the files may be wanted when the GPU is gone, or found. */
const variants = ['fp16', 'int8'];

/** Keeps both models. With `shell`, and when they have `started`, the page is then complete. */
export async function keepForOffline(
  shell: Promise<void>,
  started: boolean,
  status: StatusStrip,
): Promise<void> {
  status.showOffline('saving');
  const kept = await Promise.allSettled([shell, keepModels(status)]);
  const missing = kept.flatMap((part) =>
    part.status === 'rejected' ? [reason(part.reason as unknown)] : [],
  );
  if (!started) missing.push('A model did not start.');
  document.documentElement.dataset.offline = missing.length ? 'failed' : 'ready';
  status.showOffline(missing.length ? 'no' : 'ready');
  if (missing.length) {
    showNotice('This page works online only.', ...missing);
  } else {
    dispatchEvent(new Event('offline-ready'));
  }
}

async function keepModels(status: StatusStrip): Promise<void> {
  try {
    for (const manifest of Object.values(modelUrls)) await models.keep(manifest, { variants });
  } finally {
    await showStored(status);
  }
}

export async function showStored(status: StatusStrip): Promise<void> {
  const usage = await models.usage().catch(() => undefined);
  status.showStored(usage?.bytes);
}

function reason(error: unknown): string {
  if (error instanceof SardonyxError)
    return `The models can not be kept: ${error.message} ${error.remedy}`;
  return error instanceof Error ? error.message : String(error);
}

export function showNotice(title: string, ...details: string[]): void {
  byId('notices', HTMLElement).append(
    element('p', {}, element('strong', {}, title), ...details.map((d) => ` ${d}`)),
  );
}
