import { availableParallelism } from 'node:os';
import type { EngineOptions } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { type Provider, providers } from '@umbra/shared/contracts/provider';
import { invalidInput } from '@umbra/shared/errors';
import { readCliConfig } from './config.js';

/** Flags of commands that run the engine here; the environment's settings where not given. */
export const engineFlags = {
  'inference-threads': { type: 'string' },
  'session-threads': { type: 'string' },
  provider: { type: 'string' },
} as const;

export const engineUsage = `      --inference-threads N               models run side by side, one core each   [all cores]
      --session-threads N             of each inference session   [1; more where a large model leaves cores free]
      --provider cpu|cuda|webgpu                                   [cpu]`;

type EngineFlags = { readonly [name in keyof typeof engineFlags]?: string | undefined };

/** @throws {AppError} `invalid_input` naming the bad flag or variable. */
export function engineOptions(flags: EngineFlags): EngineOptions {
  const {
    'inference-threads': inferenceThreads,
    'session-threads': sessionThreads,
    provider,
  } = flags;
  return {
    ...engineOptionsOf(readCliConfig()),
    inferenceThreads: count('--inference-threads', inferenceThreads) ?? availableParallelism(),
    ...(sessionThreads !== undefined && {
      sessionThreads: count('--session-threads', sessionThreads) ?? 1,
    }),
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
