import { meanMap, type OpenModel, type OrderAreas } from '@umbra/engine';
import { summariseOrder } from '@umbra/report';
import { at } from '@umbra/shared/assert';
import type { OrderCheck } from '@umbra/shared/contracts/report';
import { openNumbers } from './describe-result.js';
import { openInputs, orLost } from './read-photo.js';
import type { ReportRun } from './report-run.js';

/** Steps in which all pixels are replaced. */
const steps = 10;

/**
 * Hold the order of pixels that the maps of some images give against a random one.
 *
 * @returns null where none could be checked.
 */
export async function checkJobOrder(
  { services, tenant, job, requested, signal, teller }: ReportRun,
  model: OpenModel,
  images: readonly string[],
): Promise<OrderCheck | null> {
  const open = openInputs(services, { tenant, job }, model.bundle);
  const readNumbers = openNumbers(services, { tenant, job });
  const { seed } = requested.request;
  const { fill } = job.settings;
  const areas: OrderAreas[] = [];
  for (const image of images) {
    const [input, numbers] = await Promise.all([open(image), orLost(readNumbers(image))]);
    await teller.advance(1);
    if (input === null || numbers === null) continue;
    const checking = model.checkOrder(input, {
      attribution: meanMap(numbers.attributions),
      index: at(numbers.result.targets, 0).index,
      ...{ fill, steps, signal },
      patch: at(numbers.plan.grids, 0).patch,
      // Of its own for each image: one order for all would make all of them lucky at once.
      seed: (seed + areas.length) >>> 0,
    });
    // An image of which the model gives NaN while pixels are replaced leaves the others, and the report.
    const found = await orLost(checking);
    if (found !== null) areas.push(found);
  }
  return summariseOrder(areas, { steps, seed });
}
