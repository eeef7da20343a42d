import { at } from '@umbra/shared/assert';
import type { NetworkPlan } from '../incremental/incremental.js';
import type { InferencePlan, InferenceSegment } from '../types.js';
import { chooseSegments, type EvaluatedModel } from './evaluate.js';
import type { ResolvedRun } from './resolve-run.js';

/**
 * Describe how positions of a run are computed, without computing them.
 *
 * @throws {AppError} `invalid_input` if the run asks for a strategy that cannot be had.
 */
export async function describeInference(
  model: Pick<EvaluatedModel, 'incremental' | 'bundle'>,
  run: ResolvedRun,
): Promise<InferencePlan> {
  const { patch, plan } = run;
  const chosen = await chooseSegments(model, plan.image, run);
  const network = chosen ?? (await model.incremental.plan(plan.image, patch));
  const macs = network?.macs ?? null;
  return {
    strategy: chosen === null ? 'dense' : 'incremental',
    patch,
    segments: chosen === null ? [] : segmentsOf(chosen),
    wholeNodes: network && network.graph.nodes.length - (chosen?.segments.at(-1)?.end ?? 0),
    macs: macs && {
      dense: Math.round(macs.dense * 1e6),
      changed: Math.round(macs.changed * 1e6),
      chosen: Math.round((chosen ? macs.incremental : macs.dense) * 1e6),
    },
    stop: network?.stop ?? null,
    gain: chosen === null ? 1 : chosen.gain,
  };
}

const segmentsOf = ({ segments, graph }: NetworkPlan): InferenceSegment[] =>
  segments.map(({ start, end, method }) => ({
    from: at(graph.nodes, start).name,
    to: at(graph.nodes, end - 1).name,
    nodes: end - start,
    method,
  }));
