// A report as a bench writes it, with figures that are easy to check.
export const spread = (median: number) => ({ median, q1: median * 0.9, q3: median * 1.1 });

export interface SampleModel {
  readonly name: string;
  readonly group?: string;
  readonly precision?: string;
  readonly gemmOnly?: boolean;
  readonly bytes?: number;
  /** Of a run. */
  readonly flops?: number;
  /** Milliseconds of Sardonyx and onnxruntime-web with one thread and with two. */
  readonly times: readonly (readonly [number, number])[];
}

export const sampleModel = ({
  name,
  group = 'model',
  precision = 'fp32',
  gemmOnly = false,
  bytes = 1e6,
  flops = 0,
  times,
}: SampleModel) => ({
  ...{ key: `${group}-${name}`, name, group, precision, gemmOnly, bytes },
  threads: Object.fromEntries(
    times.map(([ours, theirs], i) => [
      i + 1,
      {
        rounds: 7,
        sardonyx: { ms: spread(ours) },
        onnxruntime: { ms: spread(theirs) },
        ratio: spread(theirs / ours),
        flops,
      },
    ]),
  ),
});

const start = (ours: number, theirs: number) => ({
  sardonyx: { cold: spread(ours), warm: spread(ours / 2), bytes: 1e6 },
  onnxruntime: { cold: spread(theirs), warm: spread(theirs / 2), bytes: 4e6 },
  cold: spread(ours / theirs),
  warm: spread(ours / theirs),
});

const memory = (ours: number, theirs: number) => {
  const bytes = (all: number) => ({
    process: spread(all),
    wasm: spread(all),
    counted: spread(all),
  });
  const share = spread(ours / theirs);
  return { sardonyx: bytes(ours), onnxruntime: bytes(theirs), process: share, wasm: share };
};

const kernel = (name: string, ours: number, theirs: number, limit: number) => {
  const rate = (value: number) => ({ rate: spread(value), share: value / limit });
  return {
    ...{ name, unit: 'GFLOP/s', peak: 'fma', limit, ratio: spread(ours / theirs) },
    ...{ sardonyx: rate(ours), onnxruntime: rate(theirs) },
  };
};

export const sampleReport = (models: readonly SampleModel[]) => ({
  machine: {
    cpu: 'Test <CPU>',
    cores: 2,
    chromium: '156.0.0.0',
    onnxruntimeWeb: '1.30.0',
    date: '2026-01-02',
    commit: 'abcdef0',
  },
  engines: ['sardonyx', 'onnxruntime'],
  rounds: 7,
  peak: { gflops: 50, readGBs: 20, copyGBs: 24, together: { 1: 20, 2: 30 } },
  models: models.map(sampleModel),
  kernels: [
    kernel('GEMM 512×512×512', 46, 23, 50),
    kernel('Softmax 1536×512', 9, 3, 24),
    kernel('Conv 3×3, 64→64, 56×56', 110, 25, 50),
  ],
  calls: [
    {
      name: 'one float, from the page',
      sardonyx: { p50: spread(120), p90: spread(300) },
      onnxruntime: { p50: spread(20), p90: spread(40) },
      ratio: spread(0.17),
    },
  ],
  cold: [
    { ...sampleModel({ name: 'a', times: [] }), ...start(200, 1000) },
    { ...sampleModel({ name: 'b', times: [] }), ...start(450, 1000) },
  ],
  memory: [{ ...sampleModel({ name: 'a', times: [] }), ...memory(50e6, 100e6) }],
});

export type SampleReport = ReturnType<typeof sampleReport>;
