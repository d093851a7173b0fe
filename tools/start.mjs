// npm start: set up, build, serve the demo.
import { buildAll } from './build.mjs';
import { main } from './process.mjs';
import { defaultMounts, serve } from './server.mjs';
import { setup } from './setup/index.mjs';

const port = Number(process.env.PORT || 8080);

await main('start', async () => {
  await setup();
  await buildAll();
  const server = await serve({ port, host: 'localhost', mounts: defaultMounts() }).catch(
    (error) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new Error(
        `port ${port} is in use. Stop the program that uses it, or type: PORT=8081 npm start`,
      );
    },
  );
  console.log(`\nThe demo is at http://localhost:${server.port}/  (Ctrl-C stops it)`);
});
