// A running module instance from a compiled module.
import { ABI_VERSION, type Factory, type Instance } from './abi.js';
import { Failure } from './failure.js';
import { createMemory, provideSharedArrayBuffer } from './memory.js';

export async function instantiate(
  factory: Factory,
  module: WebAssembly.Module,
  poolSize: number,
  scriptUrl: string,
): Promise<Instance> {
  provideSharedArrayBuffer();
  const wasmMemory = createMemory();
  const instance = await new Promise<Instance>((resolve, reject) => {
    factory({
      poolSize,
      wasmMemory,
      mainScriptUrlOrBlob: scriptUrl,
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(module, imports).then((made) => done(made, module), reject);
        return {};
      },
    }).then(resolve, reject);
  }).catch((thrown: unknown) => {
    if (thrown instanceof WebAssembly.LinkError) {
      throw new Failure('ENGINE_VERSION', `the wasm file is of another release: ${thrown.message}`);
    }
    throw new Failure('ENGINE_START', `the wasm module did not start: ${String(thrown)}`);
  });
  const abi = instance._sx_abi_version();
  if (abi !== ABI_VERSION) {
    throw new Failure('ENGINE_VERSION', `the wasm file has ABI ${abi}, wanted is ${ABI_VERSION}`);
  }
  return instance;
}
