import { openAsBlob } from 'node:fs';
import { invalidInput } from '@umbra/shared/errors';
import { openService, type ServiceFlags } from '../lib/service.js';
import { type ClaimFlags, parseClaims } from './models.js';

export type UploadModelOptions = ClaimFlags & ServiceFlags & { readonly name: string };

/** Give an ONNX file to a service, with what the flags say of it; it is read as it is sent. */
export async function uploadModel(path: string, options: UploadModelOptions): Promise<void> {
  const { api, keyFile, input: _, labels, ...claims } = options;
  const description = { ...claims, ...parseClaims(options) };
  const client = await openService({ api, keyFile });
  const model = await openFile(path, 'an ONNX file');
  const names = labels === undefined ? null : await openFile(labels, 'a file of class names');
  // The service has the last word on what a flag may be, and says so.
  const { name, digest } = await client.uploadModel(model, description as never, names);
  process.stdout.write(`${name}: ready, sha256 ${digest}\n`);
}

/** Delete an uploaded model of a service. */
export async function deleteModel(model: string, flags: ServiceFlags): Promise<void> {
  const client = await openService(flags);
  await client.api.DELETE('/v1/models/{model}', { params: { path: { model } } });
  process.stderr.write(`Model ${model} is deleted\n`);
}

/** @throws {AppError} `invalid_input` */
async function openFile(path: string, what: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (error) {
    throw invalidInput(`Expected ${what} at '${path}'`, error);
  }
}
