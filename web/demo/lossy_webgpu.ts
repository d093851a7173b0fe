// The library's code for WebGPU, with devices that the page can take away. Runs in the engine's worker.
import { GPU_LOSS_CHANNEL } from './gpu_loss_channel';

if ('GPUAdapter' in globalThis) {
  const devices: GPUDevice[] = [];
  const { prototype } = GPUAdapter;
  const request = Reflect.get(prototype, 'requestDevice');
  prototype.requestDevice = async function (descriptor) {
    const device = await request.call(this, descriptor);
    devices.push(device);
    return device;
  };
  new BroadcastChannel(GPU_LOSS_CHANNEL).onmessage = () => {
    for (const device of devices.splice(0)) device.destroy();
  };
}

export * from '../../webgpu/entry';
