// npm run format: rewrites every file in the project's style.
import { main, must, npmBin } from './process.mjs';
import { setup } from './setup/index.mjs';
import { cppFiles } from './test/files.mjs';

await main('format', async () => {
  await setup();
  await must(npmBin('prettier'), ['--write', '--log-level', 'warn', '.']);
  const files = await cppFiles();
  if (files.length > 0) await must('clang-format-19', ['-i', ...files]);
});
