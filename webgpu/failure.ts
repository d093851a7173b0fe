// Why a run can not be, or was not, done on the GPU. Told by its name: this file is bundled apart from
// the worker's.
export class GpuFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GpuFailure';
  }
}

export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
