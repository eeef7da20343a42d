import type { Provider } from '@umbra/shared/contracts/provider';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';

/** What a process allows of strategies: see `EngineOptions`. */
export type StrategyLimits = {
  readonly provider?: Provider;
  readonly forbidIncremental?: boolean;
};

/**
 * Resolve the strategy that settings ask for: `auto` is `dense` where incremental cannot be had.
 *
 * Segments run on CPUs alone: a GPU would wait for the row copies between them.
 *
 * @throws {AppError} `invalid_input` if incremental is asked for there.
 */
export function allowedStrategy(
  strategy: OcclusionSettings['strategy'],
  { provider = 'cpu', forbidIncremental = false }: StrategyLimits,
): OcclusionSettings['strategy'] {
  if (provider === 'cpu' && !forbidIncremental) return strategy;
  if (strategy !== 'incremental') return 'dense';
  const why = forbidIncremental
    ? 'incremental inference is forbidden here (UMBRA_FORBID_INCREMENTAL)'
    : `incremental inference runs on the cpu, and the execution provider here is ${provider}`;
  throw invalidInput(`Expected strategy 'auto' or 'dense', since ${why}, got 'incremental'`);
}
