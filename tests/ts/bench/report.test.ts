import { describe, expect, it } from 'vitest';
import { sampleReport, type SampleReport } from './sample_report.js';

type Summarized = SampleReport & { readonly summary: object };
interface Modules {
  readonly reportPage: (report: Summarized) => string;
  readonly tables: (report: Summarized) => string;
  readonly replaceBetweenMarks: (text: string, between: string) => string;
  readonly summarize: (report: SampleReport) => object;
}
const scripts = ['report', 'table', 'summary'].map((name) => `../../../bench/${name}.mjs`);
const modules = await Promise.all(scripts.map((script) => import(script) as Promise<object>));
const { reportPage, tables, replaceBetweenMarks, summarize } = Object.assign(
  {},
  ...modules,
) as Modules;

function sample(): Summarized {
  const report = sampleReport([
    { name: 'large_model', times: [[10, 40]] },
    { name: 'slow <model>', times: [[10, 8]] },
  ]);
  return { ...report, summary: summarize(report) };
}

describe('the report of a bench', () => {
  it('is one page that loads nothing and runs nothing', () => {
    const html = reportPage(sample());
    expect(html).not.toMatch(/<script|src=|@import|url\(/);
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="data:,"']);
  });

  it('says over how many rounds, where parts were measured apart too', () => {
    const report = sample();
    expect(tables(report)).toContain('medians over 7 rounds');
    expect(tables({ ...report, rounds: 3 })).toContain('medians over 3 to 7 rounds');
    expect(reportPage({ ...report, rounds: 3 })).toContain('medians over 3 to 7 rounds');
  });

  it('has a row for each model and kernel, names escaped', () => {
    const html = reportPage(sample());
    for (const text of ['large_model', '4.00×', 'slow &lt;model&gt;', '0.80×', 'Test &lt;CPU&gt;'])
      expect(html).toContain(text);
    expect(html).toContain('46.0 GFLOP/s, 92 %');
    expect(html).not.toContain('<model>');
  });

  it('names what failed', () => {
    const report = sample();
    const [first] = report.models;
    const failed = { ...first!, threads: { 1: { error: 'no memory' } } };
    const html = reportPage({ ...report, models: [failed as never] });
    expect(html).toContain('large_model: no memory');
  });
});

describe('the tables of docs/performance.md', () => {
  it('have machine, commit and a row for each model', () => {
    const text = tables(sample());
    expect(text).toContain('commit abcdef0');
    expect(text).toMatch(/\| large_model \| 10\.0 \| 40\.0 \| 4\.00 \(3\.60–4\.40\) \|/);
    expect(text).toContain('Below 1.1×: slow <model> (1 thread: 0.80×)');
  });

  it('replace what lies between the marks and nothing else', () => {
    const begin = '<!-- bench: written by `npm run bench -- --write` -->';
    const page = `# Title\n\n${begin}\nold\n<!-- bench: end -->\n\n## Log\n`;
    expect(replaceBetweenMarks(page, 'new')).toBe(
      `# Title\n\n${begin}\n\nnew\n\n<!-- bench: end -->\n\n## Log\n`,
    );
    expect(() => replaceBetweenMarks('# Title\n', 'new')).toThrow(/no marks/);
  });
});
