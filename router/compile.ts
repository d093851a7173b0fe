// Compiles a wasm file once per page; the Module is posted to every worker.
import { Failure } from '../worker/failure.js';

const modules = new Map<string, Promise<WebAssembly.Module>>();

export function compile(url: string): Promise<WebAssembly.Module> {
  let module = modules.get(url);
  if (!module) {
    module = compileFresh(url);
    modules.set(url, module);
    module.catch(() => modules.delete(url));
  }
  return module;
}

async function compileFresh(url: string): Promise<WebAssembly.Module> {
  try {
    if (url.startsWith('file:')) {
      const { promises: fs } = process.getBuiltinModule('node:fs');
      return await WebAssembly.compile(new Uint8Array(await fs.readFile(new URL(url))));
    }
    const response = await fetch(url, { credentials: 'same-origin' });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('application/wasm')) return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (thrown) {
    throw new Failure('ENGINE_START', `can not load ${url}: ${String(thrown)}`, { url });
  }
}
