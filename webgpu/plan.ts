// The plan of a run, read from wasm memory: sx_gpu_plan of c_api/sardonyx.h.

/** Bytes of a step: GpuStep of engine/gpu/plan.h, a whole uniform binding. */
export const STEP_BYTES = 256;

export interface Copy {
  /** In the GPU's buffer. */
  readonly offset: number;
  readonly bytes: number;
  /** In wasm memory. */
  readonly address: number;
}

export interface HandOver {
  /** How many dispatches come before. */
  readonly after: number;
  readonly begin: number;
  readonly end: number;
  readonly downloads: readonly Copy[];
  readonly uploads: readonly Copy[];
}

export interface Dispatch {
  readonly kernel: number;
  readonly variant: number;
  readonly homes: number;
  /** Of the run's steps. */
  readonly step: number;
  readonly groups: readonly [number, number];
}

export interface Plan {
  readonly id: number;
  readonly dispatches: readonly Dispatch[];
  /** Where the steps lie in wasm memory. */
  readonly steps: number;
  readonly handOvers: readonly HandOver[];
  readonly constants: readonly Copy[];
  /** No bytes: the output is in wasm memory. */
  readonly outputs: readonly Copy[];
  readonly weights: readonly Copy[];
  /** Bytes of float32 in wasm memory that become half as many of float16. */
  readonly halves: readonly Copy[];
  readonly weightsBytes: number;
  readonly arenaBytes: number;
}

// Byte offsets in sx_gpu_plan, all of 32 bits.
const FIELD = {
  id: 0,
  stepsCount: 4,
  steps: 8,
  handOvers: 12,
  handOversCount: 16,
  transfers: 24,
  feedsCount: 28,
  feeds: 32,
  constantsCount: 36,
  constants: 40,
  outputsCount: 44,
  outputs: 48,
  weightsCount: 52,
  weights: 56,
  halvesCount: 60,
  halves: 64,
  weightsBytes: 68,
  arenaBytes: 72,
  arena: 76,
} as const;
const COPY_BYTES = 16;
const HAND_OVER_BYTES = 24;

class PlanReader {
  readonly #view: DataView;
  readonly #plan: number;

  constructor(memory: WebAssembly.Memory, plan: number) {
    this.#view = new DataView(memory.buffer);
    this.#plan = plan;
  }

  word = (address: number): number => this.#view.getUint32(address, true);
  field = (name: keyof typeof FIELD): number => this.word(this.#plan + FIELD[name]);

  copies(from: keyof typeof FIELD, count: keyof typeof FIELD): Copy[] {
    return list(this.field(count), (i) => this.copy(this.field(from) + i * COPY_BYTES));
  }

  copy(at: number): Copy {
    return { offset: this.word(at), bytes: this.word(at + 4), address: this.word(at + 8) };
  }
}

const list = <T>(length: number, make: (i: number) => T): T[] =>
  Array.from({ length }, (_, i) => make(i));

export const planId = (memory: WebAssembly.Memory, plan: number): number =>
  new PlanReader(memory, plan).field('id');

/** The inputs of the run that the plan was asked for. */
export const readFeeds = (memory: WebAssembly.Memory, plan: number): Copy[] =>
  new PlanReader(memory, plan).copies('feeds', 'feedsCount');

/** Where the CPU side of the run has its arena now. */
export const readArena = (memory: WebAssembly.Memory, plan: number): number =>
  new PlanReader(memory, plan).field('arena');

export function readPlan(memory: WebAssembly.Memory, plan: number): Plan {
  const reader = new PlanReader(memory, plan);
  const { word, field } = reader;
  const steps = field('steps');
  return {
    id: field('id'),
    steps,
    dispatches: list(field('stepsCount'), (i) => {
      const at = steps + i * STEP_BYTES;
      return {
        kernel: word(at),
        variant: word(at + 4),
        homes: word(at + 8),
        step: word(at + 12),
        groups: [word(at + 20), word(at + 24)],
      };
    }),
    handOvers: list(field('handOversCount'), (i) => {
      const at = field('handOvers') + i * HAND_OVER_BYTES;
      const [downloads, first, count] = [word(at + 12), word(at + 16), word(at + 20)];
      const transfers = list(count, (n) =>
        reader.copy(field('transfers') + (first + n) * COPY_BYTES),
      );
      return {
        after: word(at),
        begin: word(at + 4),
        end: word(at + 8),
        downloads: transfers.slice(0, downloads),
        uploads: transfers.slice(downloads),
      };
    }),
    constants: reader.copies('constants', 'constantsCount'),
    outputs: reader.copies('outputs', 'outputsCount'),
    weights: reader.copies('weights', 'weightsCount'),
    halves: reader.copies('halves', 'halvesCount'),
    weightsBytes: field('weightsBytes'),
    arenaBytes: field('arenaBytes'),
  };
}
