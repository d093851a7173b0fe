// What the browser tells of the network: Chromium does, others do not.
export interface NetworkHints {
  /** The user wants less data to be transferred. */
  readonly saveData: boolean;
  /** How fast it is: 'slow-2g', '2g', '3g' or '4g', which is the best there is. */
  readonly effectiveType?: string;
}

interface WithConnection {
  readonly connection?: { readonly saveData?: boolean; readonly effectiveType?: string };
}

export function networkHints(): NetworkHints | undefined {
  const { connection } = (globalThis.navigator as WithConnection | undefined) ?? {};
  if (!connection) return undefined;
  const { saveData = false, effectiveType } = connection;
  return { saveData, ...(effectiveType === undefined ? {} : { effectiveType }) };
}
