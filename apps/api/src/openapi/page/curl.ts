import { nameOf, type ShownDocument, type ShownRoute, type ShownSchema } from './shown.js';

type ShownSchemas = ShownDocument['components']['schemas'];

/** Write a request of an operation as a command; what differs from one request to the next is a variable. */
export function writeCurl({ method, path, operation }: ShownRoute, schemas: ShownSchemas): string {
  const { parameters = [], security } = operation;
  const query = parameters
    .filter((one) => one.in === 'query' && one.required)
    .map(({ name }) => `${name}=$${variable(name)}`);
  const address = `$API${path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => `$${variable(name)}`)}`;
  const url = query.length > 0 ? `"${address}?${query.join('&')}"` : `"${address}"`;
  const headers = parameters
    .filter((one) => one.in === 'header' && one.required)
    .map(({ name }) => `-H "${name}: $${variable(name)}"`);
  const key = security.length > 0 ? ['-H "Authorization: Bearer $UMBRA_API_KEY"'] : [];
  const verb = method === 'get' ? [] : [`-X ${method.toUpperCase()}`];
  const words = [...verb, url, ...key, ...headers, ...writeBody(operation, schemas)];
  return `curl ${[...words, ...writeOutput(operation)].join(' \\\n  ')}`;
}

const variable = (name: string): string => name.replaceAll('-', '_').toUpperCase();

/** Flags of a request's body: of the first media type that it may have. */
function writeBody({ requestBody }: ShownRoute['operation'], schemas: ShownSchemas): string[] {
  const [first] = Object.entries(requestBody?.content ?? {});
  if (first === undefined || requestBody?.required === false) return [];
  const [type, { schema }] = first;
  if (type === 'multipart/form-data') return writeForm(schema ?? {}, schemas);
  const header = `-H "Content-Type: ${type}"`;
  if (schema === undefined || !type.endsWith('json')) return [header, '--data-binary @FILE'];
  return [header, `-d '${JSON.stringify(sampleOf(schema, schemas))}'`];
}

/** Flags of a form's fields, but of those that have a default. */
function writeForm(schema: ShownSchema, schemas: ShownSchemas): string[] {
  if (schema.$ref !== undefined) return writeForm(schemas[nameOf(schema.$ref)] ?? {}, schemas);
  return Object.entries(schema.properties ?? {})
    .filter(([, field]) => field.default === undefined)
    .map(([name, field]) =>
      isFile(field) ? `-F ${name}=@photo.jpg` : `-F "${name}=$${variable(name)}"`,
    );
}

const isFile = ({ format, items }: ShownSchema): boolean =>
  format === 'binary' || (typeof items === 'object' && isFile(items));

/** Where the answer goes that is no text. */
function writeOutput({ responses }: ShownRoute['operation']): string[] {
  const types = Object.keys(responses['200']?.content ?? {});
  const isText = types.length === 0 || types.some((type) => /json|text/.test(type));
  return isText ? [] : ['-o FILE'];
}

/** A value that a schema may allow: the required fields alone. */
function sampleOf(schema: ShownSchema, schemas: ShownSchemas): unknown {
  if (schema.$ref !== undefined) return sampleOf(schemas[nameOf(schema.$ref)] ?? {}, schemas);
  if ('const' in schema) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  const choice = (schema.anyOf ?? schema.oneOf)?.[0];
  if (choice !== undefined) return sampleOf(choice, schemas);
  if (schema.type === 'object') return sampleFields(schema, schemas);
  if (schema.type === 'array') return sampleItems(schema, schemas);
  if (schema.type === 'boolean') return true;
  if (schema.type === 'string')
    return /^\^(\w+_)/.exec(schema.pattern ?? '')?.[1]?.concat('...') ?? '...';
  return Math.max(schema.minimum ?? 1, 1);
}

function sampleFields({ properties = {}, required = [] }: ShownSchema, schemas: ShownSchemas) {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => required.includes(name))
      .map(([name, schema]) => [name, sampleOf(schema, schemas)]),
  );
}

const sampleItems = ({ items }: ShownSchema, schemas: ShownSchemas): unknown[] =>
  typeof items === 'object' ? [sampleOf(items, schemas)] : [];
