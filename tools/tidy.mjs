// npm run tidy [-- file...]: clang-tidy over the C++ sources, or over the given ones.
import { availableParallelism } from 'node:os';
import { buildDir, configure } from './cmake.mjs';
import { main, run } from './process.mjs';
import { setup } from './setup/index.mjs';
import { projectFiles } from './test/files.mjs';

await main('tidy', async () => {
  await setup();
  await configure('native-release');
  const given = process.argv.slice(2);
  const files = given.length > 0 ? given : await projectFiles('*.cc');
  const next = async () => {
    for (let file = files.shift(); file; file = files.shift()) {
      const flags = ['--quiet', '-p', buildDir('native-release'), file];
      if ((await run('clang-tidy-19', flags)) !== 0) process.exitCode = 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
});
