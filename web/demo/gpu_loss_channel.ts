/** From the page to the workers of its engines; all tabs of the demo share it. */
export const GPU_LOSS_CHANNEL = 'sardonyx-demo-gpu-loss';
