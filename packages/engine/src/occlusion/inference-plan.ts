import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { NetworkPlan } from '../incremental/incremental.js';
import { type EvaluatedModel, planFor } from './evaluate.js';
import { resolveSettings } from './resolve-run.js';
import type { StrategyLimits } from './strategy.js';

/** A stretch of the network that runs on windows of its input. */
export type PlanStep = {
  /** Names of its first and last node. */
  readonly from: string;
  readonly to: string;
  readonly nodes: number;
  readonly method: 'direct' | 'winograd';
};

/** How a network is run for the patches of some settings. */
export type InferencePlan = {
  readonly strategy: Strategy;
  /** The largest patch, for which segments are planned, px. */
  readonly patch: Size;
  /** In order; empty where the network is run whole. */
  readonly segments: readonly PlanStep[];
  /** Nodes after the last segment, which run on whole maps. */
  readonly wholeNodes: number | null;
  /**
   * Multiply-adds of one position: of the whole network, as chosen, and of the outputs alone that a
   * patch changes; null where the network's arithmetic is not known.
   */
  readonly macs: {
    readonly dense: number;
    readonly chosen: number;
    readonly changed: number;
  } | null;
  /** How many times faster than dense, by the cost model. */
  readonly gain: number;
};

export type Strategy = 'dense' | 'incremental';

type PlannedModel = EvaluatedModel & { readonly limits: StrategyLimits };

/**
 * Say how positions of a run would be computed, without running them.
 *
 * @param size Extent of the model's input, px.
 * @throws {AppError} `invalid_input` if the settings ask for a strategy that cannot be had.
 */
export async function describePlan(
  model: PlannedModel,
  size: Size,
  settings: OcclusionSettings,
): Promise<InferencePlan> {
  const { patch, strategy } = resolveSettings(settings, model.bundle, model.limits);
  const chosen = await planFor(model, size, { strategy, patch });
  const network = chosen ?? (await model.incremental.plan(size, patch));
  return {
    strategy: chosen === null ? 'dense' : 'incremental',
    patch,
    segments: chosen === null ? [] : stepsOf(chosen),
    wholeNodes: network && network.graph.nodes.length - (chosen?.segments.at(-1)?.end ?? 0),
    macs: network && {
      dense: Math.round(network.macs.dense * 1e6),
      changed: Math.round(network.macs.changed * 1e6),
      chosen: Math.round((chosen?.macs.incremental ?? network.macs.dense) * 1e6),
    },
    gain: chosen?.gain ?? 1,
  };
}

const stepsOf = ({ segments, graph }: NetworkPlan): PlanStep[] =>
  segments.map(({ start, end, method }) => ({
    from: graph.nodes[start]?.name ?? '',
    to: graph.nodes[end - 1]?.name ?? '',
    nodes: end - start,
    method,
  }));
