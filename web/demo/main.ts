import { holdBuild } from './build_name';
import { DenoisePanel } from './denoise_panel';
import { DrawPanel } from './draw_panel';
import { acceptDrops } from './file_drop';
import { ModelPanel } from './model_panel';
import { keepForOffline, showNotice, showStored } from './offline';
import { byId } from './page';
import { RouterPanel } from './router_panel';
import { keepShell } from './shell';
import { StatusStrip } from './status_strip';

async function start(): Promise<void> {
  holdBuild(document.querySelector<HTMLMetaElement>('meta[name=build]')?.content ?? '');
  const status = new StatusStrip(byId('status', HTMLElement));
  const draw = new DrawPanel(status);
  const denoise = new DenoisePanel(status);
  const own = new ModelPanel(status);
  own.start();
  const router = new RouterPanel(status, () => draw.input());
  acceptDrops((file) => void (file.type.startsWith('image/') ? denoise : own).show(file));

  // One after the other: the first answer should not wait for what it does not need.
  const drawing = await draw.start();
  void router.findGpu();
  const shell = keepShell();
  await shell.catch(() => undefined);
  if (!crossOriginIsolated) {
    showNotice('One thread only.', 'The host of this page sends no headers for shared memory.');
  }
  const denoising = await denoise.start();
  await showStored(status);
  await keepForOffline(shell, Boolean(drawing && denoising), status);
}

void start();
