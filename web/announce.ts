// Events about what happened before the session was there.
import type { RouteEvent } from '../router/target.js';
import type { RouteEventDetail, Session } from './session.js';

// Dispatches after the caller of load() had the chance to listen.
export function announce(
  session: Session,
  event: RouteEvent,
  detail: Omit<RouteEventDetail, 'to'>,
): void {
  const told: RouteEventDetail = { ...detail, to: session.route.id };
  setTimeout(() => session.dispatchEvent(new CustomEvent(event, { detail: told })));
}
