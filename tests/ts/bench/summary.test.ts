import { describe, expect, it } from 'vitest';
import { sampleReport, type SampleReport } from './sample_report.js';

interface ClassFigures {
  readonly name: string;
  readonly threads: number;
  readonly count: number;
  readonly ratio: number;
  readonly slowest: string;
}
interface Below {
  readonly name: string;
  readonly threads: number;
  readonly bandwidth: number;
  readonly limited: boolean;
}
interface Nearness {
  readonly name: string;
  readonly share: number;
}
interface Share {
  readonly share: number;
  readonly most: number;
}
interface Summary {
  readonly classes: readonly ClassFigures[];
  readonly below: readonly Below[];
  readonly nearness: readonly Nearness[];
  readonly scaling?: { readonly factor: number; readonly count: number };
  readonly cold?: Share;
  readonly process?: Share;
  readonly variants: readonly object[];
  readonly kernels: readonly { readonly name: string; readonly value: number; goal: number }[];
}
interface Module {
  readonly summarize: (report: Partial<SampleReport>) => Summary;
}
const script = '../../../bench/summary.mjs';
const { summarize } = (await import(script)) as Module;

const classOf = ({ classes }: Summary, name: string, threads = 1) =>
  classes.find((each) => each.name === name && each.threads === threads);

describe('the summary of a bench', () => {
  it('says how near large fp32 networks come to the limit of one core, the farthest first', () => {
    const { nearness } = summarize(
      sampleReport([
        // 50 GFLOP/s and 20 GB/s: 4 ms, and 0.05 ms for the weights.
        { name: 'computing', flops: 2e8, times: [[5, 10]] },
        { name: 'reading', flops: 1e7, bytes: 1e8, times: [[10, 12]] },
        { name: 'small', flops: 1e6, times: [[1, 1.5]] },
        { name: 'integer', precision: 'quantized', flops: 1e8, times: [[10, 20]] },
      ]),
    );
    expect(nearness.map(({ name, share }) => [name, Number(share.toFixed(3))])).toEqual([
      ['reading', 0.5],
      ['computing', 0.8],
    ]);
  });

  it('puts each model into one class, by the time of onnxruntime-web with one thread', () => {
    const summary = summarize(
      sampleReport([
        { name: 'large', times: [[1, 4]] },
        { name: 'larger', times: [[10, 10]] },
        { name: 'small', times: [[0.5, 1.9]] },
        { name: 'integer', precision: 'quantized', times: [[10, 20]] },
        { name: 'half', precision: 'fp16', times: [[10, 80]] },
        { name: 'gemm', group: 'twin', gemmOnly: true, times: [[10, 30]] },
        { name: 'light', group: 'light', times: [[10, 50]] },
        { name: 'given', group: 'file', times: [[10, 90]] },
      ]),
    );
    expect(summary.classes.map(({ name, count }) => [name, count])).toEqual([
      ['fp32, 2 ms and more', 2],
      ['fp32, under 2 ms', 1],
      ['GEMM-only twins', 1],
      ['quantized', 1],
      ['of 16-bit floats', 1],
      ["ONNX's light models", 1],
    ]);
    expect(classOf(summary, 'fp32, 2 ms and more')).toMatchObject({ slowest: 'larger' });
    expect(classOf(summary, 'fp32, 2 ms and more')?.ratio).toBeCloseTo(2, 9);
    expect(classOf(summary, 'quantized')?.ratio).toBeCloseTo(2, 9);
    expect(classOf(summary, 'of 16-bit floats')?.ratio).toBeCloseTo(8, 9);
  });

  it('keeps a model in its class when threads make it faster', () => {
    const times = [
      [1, 3],
      [1, 1.5],
    ] as const;
    const summary = summarize(sampleReport([{ name: 'a', times }]));
    expect(classOf(summary, 'fp32, 2 ms and more', 2)?.ratio).toBeCloseTo(1.5, 9);
    expect(classOf(summary, 'fp32, under 2 ms', 2)).toBeUndefined();
  });

  it('sets quantized models against our own fp32 of the same network', () => {
    const { variants } = summarize(
      sampleReport([
        { name: 'superres10', times: [[40, 200]] },
        { name: 'superres10_qlinear_int8', precision: 'quantized', times: [[50, 100]] },
        { name: 'yolox_nano_qdq_int8', precision: 'quantized', times: [[50, 100]] },
      ]),
    );
    expect(variants).toEqual([
      {
        ...{ name: 'superres10_qlinear_int8', of: 'superres10', threads: 1 },
        ...{ ms: 50, fp32Ms: 40, ratio: 0.8 },
      },
    ]);
  });

  it('lists models below 1.1×, and says which the memory limits', () => {
    const summary = summarize(
      sampleReport([
        { name: 'fast', times: [[10, 30]] },
        { name: 'slow', times: [[10, 10]] },
        { name: 'slow integers', precision: 'quantized', times: [[10, 10.1]] },
        // 180 MB in 10 ms are 18 of 20 GB/s, with two threads 18 of 30.
        {
          name: 'weights',
          group: 'twin',
          bytes: 180e6,
          times: [
            [10, 10.4],
            [10, 10.4],
          ],
        },
        { name: 'weights and slow', bytes: 180e6, times: [[10, 9]] },
      ]),
    );
    const seen = summary.below.map(({ name, threads, limited }) => [name, threads, limited]);
    expect(seen).toEqual([
      ['weights and slow', 1, false],
      ['slow', 1, false],
      ['slow integers', 1, false],
      ['weights', 1, true],
      ['weights', 2, false],
    ]);
    expect(summary.below[3]?.bandwidth).toBeCloseTo(0.9, 9);
  });

  it('compares two threads with one for models over 5 ms', () => {
    const summary = summarize(
      sampleReport([
        {
          name: 'large',
          times: [
            [10, 10],
            [5, 5],
          ],
        },
        {
          name: 'small',
          times: [
            [4, 10],
            [4, 5],
          ],
        },
      ]),
    );
    expect(summary.scaling).toMatchObject({ count: 1 });
    expect(summary.scaling?.factor).toBeCloseTo(2, 9);
  });

  it('averages cold starts and memory as shares of theirs', () => {
    const summary = summarize(sampleReport([]));
    expect(summary.cold?.share).toBeCloseTo(0.3, 9);
    expect(summary.cold?.most).toBeCloseTo(0.45, 9);
    expect(summary.process?.share).toBeCloseTo(0.5, 9);
  });

  it('holds kernels against their goals', () => {
    const { kernels } = summarize(sampleReport([]));
    const reached = Object.fromEntries(
      kernels.map(({ name, value, goal }) => [name, value >= goal]),
    );
    expect(reached).toEqual({
      'GEMM 512×512×512': true,
      'Conv 3×3, 64→64, 56×56': true,
      'Softmax 1536×512': false,
    });
  });

  it('says nothing of what was not measured', () => {
    const { classes, below, scaling, cold, process, kernels } = summarize({
      peak: sampleReport([]).peak,
    });
    expect({ classes, below, scaling, cold, process, kernels }).toEqual({
      ...{ classes: [], below: [], kernels: [] },
      ...{ scaling: undefined, cold: undefined, process: undefined },
    });
  });
});
