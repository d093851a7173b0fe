// Takes the GPU away from engines for real: their device is destroyed.
import { GPU_LOSS_CHANNEL } from './gpu_loss_channel';

const { gpuModule = '' } = document.documentElement.dataset;

/** What sessions that are to lose the GPU load for WebGPU. */
export const lossyWebgpu = new URL(gpuModule, document.baseURI);

const channel = new BroadcastChannel(GPU_LOSS_CHANNEL);

export function loseGpu(): void {
  channel.postMessage('lose');
}
