import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Provider } from '@umbra/shared/contracts/provider';
import { type AppError, unavailable } from '@umbra/shared/errors';
import { messageOf } from './message-of.js';

/** Folder in which NVIDIA's driver describes its cards. */
const nvidiaCards = '/proc/driver/nvidia/gpus';

const hints: Readonly<Record<Exclude<Provider, 'cpu'>, string>> = {
  cuda: 'it needs an NVIDIA driver, CUDA 12 with cuDNN 9, and the library that `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js` fetches',
  webgpu: 'it needs a GPU with a Vulkan driver and its loader (Debian: libvulkan1)',
};

/** Device of a provider, for results: `cpu`, or `cuda (NVIDIA H100)` where the driver names it. */
export function deviceOf(provider: Provider, cards = nvidiaCards): string {
  if (provider !== 'cuda') return provider;
  const names = [...new Set(listCards(cards))];
  return names.length === 0 ? provider : `${provider} (${names.join(', ')})`;
}

/** The error for a provider that this machine lacks. @param cause The runtime's own error. */
export function missingProvider(provider: Exclude<Provider, 'cpu'>, cause: unknown): AppError {
  return unavailable(
    `Expected execution provider '${provider}' on this machine: ${hints[provider]}; got: ${messageOf(cause)}`,
    cause,
  );
}

function listCards(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((card) => {
      const text = readFileSync(join(folder, card, 'information'), 'utf8');
      const model = /^Model:\s*(.+)$/m.exec(text)?.[1];
      return model === undefined ? [] : [model.trim()];
    });
  } catch {
    return [];
  }
}
