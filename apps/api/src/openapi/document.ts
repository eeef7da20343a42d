import { umbraVersion } from '@umbra/shared/version';
import { sessionCookie } from '../auth/session-cookie.js';
import type { Operation } from '../http/operation.js';
import { describeOperation } from './describe-operation.js';
import type { JsonSchema } from './json-schema.js';
import { createProblemWriter } from './problems.js';
import { createSchemaWriter } from './schemas.js';

export type ApiDocument = JsonSchema & {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
};

const about = `Explains image classifiers at the scale of datasets: upload images as a dataset, submit a job,
poll it, and fetch heatmaps. Errors are problem details (RFC 9457); pages are followed by \`next_cursor\`;
a repeated \`Idempotency-Key\` gives the first answer again.`;

/** Tags, in the order of the page, with their descriptions. */
const tags: Readonly<Record<string, string>> = {
  datasets: 'Images that jobs read',
  jobs: 'A dataset explained with a model',
  results: 'What a job has found',
  models: 'What can be run, and what it is made of',
  sessions: 'Who asks, and cookies for browsers',
  service: 'The service itself',
};

/**
 * Write the OpenAPI 3.1 document of operations.
 *
 * @throws {TypeError} If two of them have the same id, or the same method and path.
 */
export function describeApi(operations: readonly Operation[]): ApiDocument {
  const schemas = createSchemaWriter();
  const problems = createProblemWriter(schemas);
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const ids = new Set<string>();
  const names = [...new Set([...Object.keys(tags), ...operations.map(({ tag }) => tag)])];
  const sorted = operations.toSorted((a, b) => names.indexOf(a.tag) - names.indexOf(b.tag));
  for (const operation of sorted) {
    const { id, method, path } = operation;
    paths[path] ??= {};
    if (ids.has(id) || method in paths[path]) {
      throw new TypeError(`Expected operations to differ, got '${id}' (${method} ${path}) twice`);
    }
    ids.add(id);
    paths[path][method] = describeOperation(operation, { schemas, problems, operations });
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Umbra',
      version: umbraVersion,
      description: about,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'Where this document is from' }],
    tags: names.map((name) => ({
      name,
      ...(tags[name] === undefined ? {} : { description: tags[name] }),
    })),
    paths,
    components: {
      schemas: schemas.components(),
      responses: problems.components(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An API key, with scope `read`, `submit` or `admin`, each of which includes the ones before. On loopback a service may be told to ask for none.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: sessionCookie,
          description:
            "A session that `POST /v1/session` makes from an API key, for browsers, whose pictures and event streams send no header; over https its name begins with `__Host-`. It has the scope of its key. A request that changes something must show that it is of this service's own pages: by `Sec-Fetch-Site`, or by an `Origin` that is the host it asks.",
        },
      },
    },
  };
}
