// Watches and disturbs what the engine worker does with WebGPU, by a module in front of webgpu.mjs that
// a session is told to load.

const CALLS = {
  GPU: ['requestAdapter'],
  GPUDevice: [
    'createBindGroup',
    'createBindGroupLayout',
    'createBuffer',
    'createCommandEncoder',
    'createComputePipeline',
    'createComputePipelineAsync',
    'createPipelineLayout',
    'createQuerySet',
    'createSampler',
    'createShaderModule',
    'createTexture',
  ],
  GPUQueue: ['submit'],
  GPUBuffer: ['mapAsync'],
} as const;

/** Counts calls of the real objects; destroys their devices when told. */
const watcher = (channel: string) => `{
const channel = new BroadcastChannel(${JSON.stringify(channel)});
const counts = {};
const devices = [];
for (const [type, names] of Object.entries(${JSON.stringify(CALLS)})) {
  const { prototype } = globalThis[type];
  for (const name of names) {
    const original = prototype[name];
    counts[name] = 0;
    prototype[name] = function (...rest) {
      counts[name]++;
      return original.apply(this, rest);
    };
  }
}
const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...rest) {
  const device = await request.apply(this, rest);
  devices.push(device);
  return device;
};
channel.onmessage = ({ data }) => {
  if (data === 'destroy') devices.forEach((device) => device.destroy());
  if (data === 'count') channel.postMessage({ counts });
};
}`;

export interface GpuWatch {
  /** For LoadOptions.assets.webgpu. */
  readonly url: string;
  /** Calls so far, by name. */
  counts(): Promise<Record<string, number>>;
  /** Destroys the devices. */
  destroy(): void;
}

/** `shim`: code that runs before webgpu.mjs does. */
export function watchGpu(shim = ''): GpuWatch {
  const name = `gpu ${Math.random()}`;
  const channel = new BroadcastChannel(name);
  const library = `${location.origin}/dist/webgpu.mjs`;
  const code = `${watcher(name)}\n${shim}\nexport * from '${library}';`;
  return {
    url: URL.createObjectURL(new Blob([code], { type: 'text/javascript' })),
    counts: () =>
      new Promise((resolve) => {
        channel.onmessage = ({ data }) =>
          resolve((data as { counts: Record<string, number> }).counts);
        channel.postMessage('count');
      }),
    destroy: () => channel.postMessage('destroy'),
  };
}
