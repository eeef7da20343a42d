import type { ReportBuilder } from '@umbra/report';
import type { OrderCheck } from '@umbra/shared/contracts/report';
import { checkJobOrder } from './check-job-order.js';
import { clusterJobPatches, type JobPatches, withoutPatches } from './cluster-job-patches.js';
import type { ReportRun } from './report-run.js';

/** What of a report needs the model itself, which is loaded for nothing else. */
export type ModelFindings = { readonly patches: JobPatches; readonly order: OrderCheck | null };

/**
 * Cluster patches, and check the order of pixels.
 *
 * @param checked Images whose order is checked.
 */
export async function lookThroughModel(
  run: ReportRun,
  builder: ReportBuilder,
  checked: readonly string[],
): Promise<ModelFindings> {
  const { services, tenant, job, requested, teller } = run;
  const candidates = requested.request.patches === 0 ? [] : builder.patchCandidates();
  if (candidates.length === 0 && checked.length === 0) {
    return { patches: withoutPatches(null), order: null };
  }
  const named = { tenant, ...job.model };
  const model = await services.modelCache.open(named);
  await teller.begin('patches', candidates.length);
  const patches = await clusterJobPatches(run, model, candidates);
  await teller.begin('checks', checked.length);
  return { patches, order: await checkJobOrder(run, model, checked) };
}
