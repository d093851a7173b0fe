import { SardonyxError } from '../index';
import { element } from './page';

/** Shows what went wrong and what to do in `slot`; undefined clears it. */
export function showProblem(slot: HTMLElement, error: unknown): void {
  slot.replaceChildren();
  if (error === undefined) return;
  const card = element('div', { className: 'problem' });
  if (error instanceof SardonyxError) {
    card.append(
      element('div', { className: 'code' }, error.code),
      element('p', {}, error.message),
      element('p', { className: 'remedy' }, error.remedy),
    );
  } else {
    const text = error instanceof Error ? error.message : JSON.stringify(error);
    card.append(element('p', {}, text));
  }
  slot.append(card);
}

export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

/** A newer run with `latest` has taken the place of this one. */
export const isSuperseded = (error: unknown): boolean =>
  error instanceof SardonyxError && error.code === 'RUN_SUPERSEDED';
