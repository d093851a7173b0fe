// The same declarations from CommonJS.
import sardonyx = require('sardonyx');

export const session: Promise<sardonyx.Session> = sardonyx.load('x');
// @ts-expect-error: a model is needed
export const wrong = sardonyx.load();
