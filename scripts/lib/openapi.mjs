// The OpenAPI document and the client's types: made from the API's operations, and compared with what
// is in the repository.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CommandError, repoRoot } from './run.mjs';

const client = join(repoRoot, 'packages', 'client');
const documentFile = join(client, 'openapi.json');
const typesFile = join(client, 'src', 'generated', 'api.ts');

const head = `// Made by \`npm run openapi\` from openapi.json, which is made from the operations of apps/api.
// Not to be edited.

`;

/**
 * Make both files' contents. The API must be built.
 *
 * @returns {Promise<ReadonlyMap<string, string>>} by path
 */
export async function makeApiFiles() {
  const { describeWholeApi } = await import('@umbra/api/openapi');
  const document = describeWholeApi();
  // It prints with a TypeScript of its own, since the project's has no such interface: it is the client's.
  const load = createRequire(join(client, 'package.json'));
  const { default: openapiTypes, astToString } = load('openapi-typescript');
  const types = astToString(
    await openapiTypes(
      // A copy: the generator writes into what it is given.
      structuredClone(document),
      // What has a default may be left out of a request; answers have it, and say so by themselves.
      { defaultNonNullable: false },
    ),
  );
  return new Map([
    [documentFile, `${JSON.stringify(document, null, 2)}\n`],
    [typesFile, `${head}${types}`],
  ]);
}

/** Write both files where they differ. */
export async function writeApiFiles() {
  for (const [path, text] of await makeApiFiles()) {
    if (read(path) !== text) writeFileSync(path, text);
  }
}

/** @throws {CommandError} if a file is not what `npm run openapi` would write */
export async function checkApiFiles() {
  const stale = [...(await makeApiFiles())].filter(([path, text]) => read(path) !== text);
  if (stale.length === 0) return;
  const names = stale.map(([path]) => path.slice(repoRoot.length + 1)).join(', ');
  throw new CommandError(`stale: ${names}; \`npm run openapi\` writes them`, 1);
}

/**
 * Lint the document with Redocly's rules, by their library: it asks nobody on the network.
 *
 * @throws {CommandError} with every problem, if there is one
 */
export async function lintApi() {
  const { createConfig, lintFromString } = await import('@redocly/openapi-core');
  const config = await createConfig({ extends: ['recommended'], rules: lintRules });
  const problems = await lintFromString({
    source: readFileSync(documentFile, 'utf8'),
    absoluteRef: documentFile,
    config,
  });
  if (problems.length === 0) return;
  const lines = problems.map(
    ({ message, ruleId, location }) => `${location[0]?.pointer ?? ''} ${message} (${ruleId})`,
  );
  throw new CommandError(`openapi.json: ${lines.length} problems\n${lines.join('\n')}`, 1);
}

const lintRules = /** @type {const} */ ({
  // Wherever the document is from is where the service is: the document cannot know the host.
  'no-server-example.com': 'off',
});

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
