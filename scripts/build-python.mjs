// `npm run build:python`: the Python client as a wheel and a source archive, in clients/python/dist. Nothing is published.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePython } from './lib/python.mjs';
import { repoRoot, run, runMain, step } from './lib/run.mjs';

await runMain(async () => {
  const folder = join(repoRoot, 'clients', 'python');
  const dist = join(folder, 'dist');
  const programs = await ensurePython('build', join(folder, 'requirements-build.txt'));
  rmSync(dist, { recursive: true, force: true });
  // The environment has all that building takes, so that nothing else is fetched for it.
  const build = ['-m', 'build', '--no-isolation', '--outdir', dist, folder];
  await run(join(programs, 'python'), build, { quiet: true });
  for (const file of readdirSync(dist)) step(`clients/python/dist/${file}`);
});
