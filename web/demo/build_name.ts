/** Of the cache of each build and of the lock that its pages hold. */
export const BUILD_PREFIX = 'sardonyx-demo-';

/** Says for as long as this page is open that the files of `build` are in use. */
export function holdBuild(build: string): void {
  if (!('locks' in navigator)) return;
  void navigator.locks
    .request(BUILD_PREFIX + build, { mode: 'shared' }, () => new Promise(() => undefined))
    .catch(() => undefined);
}
