// Gives the event loop a turn without the 4 ms clamp of nested setTimeout.
const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    if (!channel) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(resolve);
    channel.port2.postMessage(0);
  });
}
