// How fast integers are is measured by the page, after its first answer, and used by the next load.
import { expect, openPage, test } from './site';

for (const isolated of [true, false]) {
  test(`integers are measured after the first answer, isolated: ${isolated}`, async ({
    page,
    site,
  }) => {
    await openPage(page, isolated ? site.isolated : site.plain);
    const found = await page.evaluate(async () => {
      const { load, Tensor } = window.sardonyx;
      const stored = () => localStorage.getItem('sardonyx-speeds');
      const open = () =>
        load('/own-models/glyphs/glyphs.sardonyx.json', {
          storage: 'none',
          exclude: [{ device: 'webgpu' }],
        });
      const session = await open();
      const before = { why: session.route.why, stored: stored() };
      const glyph = new Tensor('float32', new Float32Array(1024), [1, 1, 32, 32]);
      await session.run({ glyph });
      while (!stored()) await new Promise((resolve) => setTimeout(resolve, 50));
      const next = await open();
      const { why } = next.route;
      await next.run({ glyph });
      await Promise.all([session.dispose(), next.dispose()]);
      return { before, why, stored: stored() };
    });
    expect(found.before.stored).toBeNull();
    expect(found.before.why.join()).not.toContain('measured');
    expect(found.why.join()).toContain('measured here: integers take');
    const { machine, int8 } = JSON.parse(found.stored!) as { machine: string; int8: number };
    expect(machine).not.toContain('Mozilla');
    expect(int8).toBeGreaterThan(0.1);
    expect(int8).toBeLessThan(20);
  });
}
