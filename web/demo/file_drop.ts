import { byId } from './page';

/** Hands files dropped anywhere on the page to `use`. */
export function acceptDrops(use: (file: File) => void): void {
  const veil = byId('drop-veil', HTMLElement);
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) use(file);
  });
}
