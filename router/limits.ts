// How long a route waits for its worker.
export const LIMITS = {
  // From the start of the worker to the first line of its script.
  scriptMs: 15_000,
  // Instantiation of a compiled module.
  startMs: 10_000,
  // The engine tells nothing while it compiles a model.
  compileMs: 180_000,
  // Each known answer.
  selfTestMs: 10_000,
  // A single step of a run may take this long.
  runMs: 30_000,
  // A cancelled run is waited for as long as a new worker would take, but at least this long.
  graceMs: 20,
  stopMs: 200,
  // The next bytes of a candidate version, while the stable one could serve.
  downloadMs: 20_000,
};

export type Limits = typeof LIMITS;
