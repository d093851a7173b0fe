// npm run dev:op -- <Catch2 filter>: the quick loop for one operator, native and without sanitizers.
//   npm run dev:op -- "Softmax*"                    the operators' tests whose name matches
//   npm run dev:op -- --target=simd_test "gemm*"   another test program
import { join } from 'node:path';
import { build, buildDir } from './cmake.mjs';
import { main, output, run, seconds } from './process.mjs';
import { setup } from './setup/index.mjs';

await main('dev:op', async () => {
  const start = Date.now();
  const args = process.argv.slice(2);
  const chosen = args.find((word) => word.startsWith('--target='))?.slice('--target='.length);
  const target = chosen ?? 'ops_test';
  await setup();
  await build('native-release', { targets: [target] });
  const listing = await output('ctest', ['--preset', 'native-release', '--show-only=json-v1']);
  const test = JSON.parse(listing.slice(listing.indexOf('{'))).tests.find((t) => t.name === target);
  const program = test?.command?.[0] ?? join(buildDir('native-release'), target);
  const status = await run(
    program,
    args.filter((word) => !word.startsWith('--target=')),
  );
  console.log(`${target}: status ${status} after ${seconds(start)}`);
  process.exitCode = status;
});
