export interface ReadTensor {
  name: string;
  /** As in the public API. */
  dtype: string;
  dims: number[];
  data: ArrayBufferView & { readonly length: number };
}

export function decodeTensor(bytes: Uint8Array): ReadTensor;
export function readTensor(path: string): ReadTensor;
