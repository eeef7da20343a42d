import { availableParallelism } from 'node:os';
import type { EngineOptions } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { type Provider, providers } from '@umbra/shared/contracts/provider';
import { invalidInput } from '@umbra/shared/errors';
import { readCliConfig } from './config.js';

/** Flags of commands that run the engine here. */
export type EngineFlags = {
  readonly inferenceThreads?: string;
  readonly sessionThreads?: string;
  readonly provider?: string;
};

/**
 * Turn flags into the engine's options; what is not given takes the environment's setting.
 *
 * @throws {AppError} `invalid_input` naming the bad flag or variable.
 */
export function parseEngineOptions(flags: EngineFlags): EngineOptions {
  const inferenceThreads = count('--inference-threads', flags.inferenceThreads);
  const sessionThreads = count('--session-threads', flags.sessionThreads);
  const { provider } = flags;
  return {
    ...engineOptionsOf(readCliConfig()),
    inferenceThreads: inferenceThreads ?? availableParallelism(),
    ...(sessionThreads !== undefined && { sessionThreads }),
    ...(provider !== undefined && { provider: knownProvider(provider) }),
  };
}

function count(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 256) return number;
  throw invalidInput(`Expected ${flag} to be an integer from 1 to 256, got '${text}'`);
}

function knownProvider(text: string): Provider {
  const found = providers.find((provider) => provider === text);
  if (found !== undefined) return found;
  throw invalidInput(`Expected --provider to be ${providers.join(', ')}, got '${text}'`);
}
