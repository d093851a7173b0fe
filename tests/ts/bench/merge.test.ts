import { describe, expect, it } from 'vitest';
import { sampleReport, type SampleReport } from './sample_report.js';

type Report = Partial<SampleReport>;
interface Module {
  readonly mergeReports: (report: Report, more: Report) => Report;
}
const script = '../../../bench/merge.mjs';
const { mergeReports } = (await import(script)) as Module;

describe('figures that are added to others', () => {
  const old = sampleReport([
    {
      name: 'a',
      times: [
        [10, 20],
        [6, 12],
      ],
    },
    { name: 'b', times: [[10, 20]] },
  ]);

  it('replace rows of the same model and number of threads, and keep the rest', () => {
    const { models, peak, machine } = sampleReport([
      { name: 'b', times: [[5, 20]] },
      { name: 'a', times: [[4, 20]] },
      { name: 'c', times: [[1, 2]] },
    ]);
    const merged = mergeReports(old, { models, peak, machine });
    expect(merged.models!.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    const [a, b] = merged.models!;
    expect(a!.threads[1]!.sardonyx.ms.median).toBe(4);
    expect(a!.threads[2]!.sardonyx.ms.median).toBe(6);
    expect(b!.threads[1]!.sardonyx.ms.median).toBe(5);
    expect(merged.kernels).toEqual(old.kernels);
    expect(merged.cold).toEqual(old.cold);
  });

  it('are all there is when there were none', () => {
    expect(mergeReports({}, old).models).toEqual(old.models);
    expect(mergeReports({}, old).peak).toEqual(old.peak);
  });
});
