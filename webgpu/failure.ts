// Why a run can not be, or was not, done on the GPU. Told by its name: this file is bundled apart from
// the worker's.
export class GpuFailure extends Error {
  /** `lost`: the device went away. */
  constructor(
    message: string,
    readonly lost = false,
  ) {
    super(message);
    this.name = 'GpuFailure';
  }
}

export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
