// `node scripts/sbom.mjs FILE`: writes a bill of materials (CycloneDX) of what the images run, and checks it.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { CommandError, repoRoot, runMain, step } from './lib/run.mjs';
import { checkSbom, listRuntimePackages, toRuntimeSbom } from './lib/supply.mjs';

await runMain(async () => {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new CommandError('Expected a file to write, got none', 2);
  const packages = listRuntimePackages(repoRoot);
  const { stdout, stderr } = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
    cwd: repoRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (stdout === '') throw new CommandError(`npm sbom failed: ${stderr}`, 1);
  const document = toRuntimeSbom(JSON.parse(stdout), packages);
  const problems = checkSbom(document, packages);
  if (problems.length > 0) throw new CommandError(problems.join('\n'), 1);
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  step(`wrote ${file}: ${packages.length} packages, CycloneDX ${document.specVersion}`);
  return 0;
});
