// Whether somebody sees the page, and when it is seen again.
const LONG_MS = 10 * 60e3;

export const isHidden = () => typeof document === 'object' && document.visibilityState === 'hidden';

// `long`: the page was hidden for more than 10 minutes, or comes out of the back/forward cache.
type Seen = (long: boolean) => void;

interface Listening {
  addEventListener?(
    type: 'pageshow' | 'visibilitychange',
    listener: (event: Partial<PageTransitionEvent>) => void,
  ): void;
}

const listeners = new Set<Seen>();
// By the clock of the day: others stand still while the machine sleeps.
let hiddenAt: number | undefined;

// Where there is no page, nothing is called.
export function onSeen(listener: Seen): () => void {
  listeners.add(listener);
  // Adding the same function again changes nothing.
  const page = globalThis as Listening;
  page.addEventListener?.('pageshow', shown);
  page.addEventListener?.('visibilitychange', changed);
  return () => void listeners.delete(listener);
}

function shown({ persisted }: Partial<PageTransitionEvent>): void {
  if (persisted) tell(true);
}

function changed(): void {
  if (isHidden()) {
    hiddenAt = Date.now();
    return;
  }
  const long = hiddenAt !== undefined && Date.now() - hiddenAt > LONG_MS;
  hiddenAt = undefined;
  tell(long);
}

function tell(long: boolean): void {
  for (const listener of [...listeners]) listener(long);
}
