import type { Reference } from '@umbra/shared/contracts/reference';
import { matchKey } from './key-layout.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/** Images of a job that have a result. @returns Their ids, in no order. */
export async function* listResults(
  store: ObjectStore,
  { tenant, id }: Reference,
): AsyncGenerator<string> {
  for await (const { key } of store.list(keys.results(tenant, id))) {
    const found = matchKey('result', key);
    if (found?.file === 'result.json') yield found.image;
  }
}

/** Images of a job that have an error. @returns Their ids, in the order of the images. */
export async function* listErrors(
  store: ObjectStore,
  { tenant, id }: Reference,
): AsyncGenerator<string> {
  for await (const { key } of store.list(keys.errors(tenant, id))) {
    const found = matchKey('error', key);
    if (found !== null) yield found.image;
  }
}
