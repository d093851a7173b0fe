// Which loaded models make room for another one.
export interface Resident {
  readonly name: string;
  readonly bytes: number;
  readonly priority: number;
  // Rises with every use.
  readonly lastUsed: number;
  // A run is under way on it.
  readonly busy: boolean;
}

export interface Room {
  readonly memoryBudget: number;
  readonly maxWorkers: number;
  // What is to fit beside those that stay.
  readonly bytes: number;
  readonly workers: number;
}

// Those to unload, in this order, until the rest leaves room; all when nothing else does. Idle ones first,
// of these the ones of the lowest priority, of these the least recently used.
export function victims(residents: readonly Resident[], room: Room): string[] {
  const order = [...residents].sort(
    (a, b) => Number(a.busy) - Number(b.busy) || a.priority - b.priority || a.lastUsed - b.lastUsed,
  );
  let bytes = order.reduce((sum, resident) => sum + resident.bytes, room.bytes);
  let workers = order.length + room.workers;
  const names: string[] = [];
  for (const resident of order) {
    if (bytes <= room.memoryBudget && workers <= room.maxWorkers) break;
    names.push(resident.name);
    bytes -= resident.bytes;
    workers--;
  }
  return names;
}
