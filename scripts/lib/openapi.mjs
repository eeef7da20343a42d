// The OpenAPI document and the client's types: generated from the API's operations, and compared with the files in the
// repository.
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
 * Generates the contents of both files. The API must be built.
 *
 * @returns {Promise<ReadonlyMap<string, string>>} by path
 */
export async function makeApiFiles() {
  const { describeWholeApi } = await import('@umbra/api/openapi');
  const document = describeWholeApi();
  // The generator and its own TypeScript are dependencies of the client: the project's TypeScript has no such interface.
  const load = createRequire(join(client, 'package.json'));
  const { default: openapiTypes, astToString } = load('openapi-typescript');
  const types = astToString(
    await openapiTypes(
      // A copy: the generator changes its input.
      structuredClone(document),
      // A field with a default is optional in a request; responses require it explicitly.
      { defaultNonNullable: false },
    ),
  );
  return new Map([
    [documentFile, `${JSON.stringify(document, null, 2)}\n`],
    [typesFile, `${head}${types}`],
  ]);
}

/** Writes the files that differ. */
export async function writeApiFiles() {
  for (const [path, text] of await makeApiFiles()) {
    if (read(path) !== text) writeFileSync(path, text);
  }
}

/** @throws {CommandError} if a file differs from the output of `npm run openapi` */
export async function checkApiFiles() {
  const stale = [...(await makeApiFiles())].filter(([path, text]) => read(path) !== text);
  if (stale.length === 0) return;
  const names = stale.map(([path]) => path.slice(repoRoot.length + 1)).join(', ');
  throw new CommandError(`stale: ${names}; \`npm run openapi\` writes them`, 1);
}

/**
 * Lints the document with Redocly's rules. It uses their library, which makes no network requests.
 *
 * @throws {CommandError} with every problem
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
  // The document is served by the service itself and does not know the host.
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
