import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { classPair, type ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import { z } from 'zod';

/**
 * The class names of a bundle, in the order of the network's output.
 *
 * @param classes How many classes the network tells apart: `OutputHead.classes`.
 * @returns `classes` names; `class 0`, `class 1`, ... where the bundle has none.
 * @throws {AppError} `integrity` if the file is not an array of `classes` names.
 */
export async function readLabels(
  folder: string,
  bundle: ModelBundle,
  classes: number,
): Promise<readonly string[]> {
  const pair = classPair(bundle.output);
  if (pair !== null) return pair;
  if (bundle.labels === undefined) {
    return Array.from({ length: classes }, (_, index) => `class ${index}`);
  }
  const text = await readFile(join(folder, bundle.labels), 'utf8');
  const parsed = z.array(z.string()).safeParse(parse(text));
  if (!parsed.success || parsed.data.length !== classes) {
    throw integrity(
      `Expected '${bundle.labels}' of model '${bundle.name}' to be a JSON array of ${classes} names, got ${parsed.success ? `${parsed.data.length} names` : 'something else'}`,
    );
  }
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
