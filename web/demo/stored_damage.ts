import { models, type Session } from '../index';

/**
 * Changes one byte of what is stored of a variant; false where it is not stored in the origin private file
 * system, in which files lie in the folder `sardonyx`, named by their SHA-256.
 */
export async function damageStored(
  { manifest }: Session,
  name: string | undefined,
): Promise<boolean> {
  const stored = (await models.list()).find((model) => model.name === manifest?.name);
  const file = stored?.files.find(({ variant }) => variant === name);
  if (!file) return false;
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('sardonyx');
    const handle = await folder.getFileHandle(file.sha256);
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    const middle = bytes.length >> 1;
    bytes[middle] = ~(bytes[middle] ?? 0);
    const writable = await handle.createWritable();
    await writable.write(bytes);
    await writable.close();
    return true;
  } catch {
    return false;
  }
}
