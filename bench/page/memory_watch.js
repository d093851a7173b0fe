// Put in front of scripts that make wasm memories: wasmBytes() is how large those are.
(() => {
  const memories = [];
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
  globalThis.wasmBytes = () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
})();
