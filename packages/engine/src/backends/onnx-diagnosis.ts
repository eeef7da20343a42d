import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type AppError, integrity } from '@umbra/shared/errors';
import { decodeModel, externalFiles, type ModelProto } from '../graph/onnx-proto.js';
import { messageOf } from './message-of.js';

/** onnxruntime's words for an operator set that is newer than itself. */
const newestOpset = /till opset (\d+)/;

/**
 * Explain in the user's terms why a runtime does not load an ONNX file.
 *
 * @param cause The runtime's own error.
 * @param runtime Name and version, for the message.
 */
export async function diagnoseOnnx(
  folder: string,
  bundle: Pick<ModelBundle, 'name' | 'model' | 'files'>,
  runtime: string,
  cause: unknown,
): Promise<AppError> {
  const problem = await problemOf(folder, bundle, runtime, messageOf(cause)).catch(messageOf);
  return integrity(`Expected '${bundle.model}' of model '${bundle.name}' ${problem}`, cause);
}

async function problemOf(
  folder: string,
  { model, files }: Pick<ModelBundle, 'model' | 'files'>,
  runtime: string,
  message: string,
): Promise<string> {
  const bytes = await readFile(join(folder, model));
  const proto = decode(bytes);
  if (proto === null) {
    return looksLikeOnnx(bytes)
      ? `to be a whole ONNX model: it is cut short after ${bytes.length} bytes, or damaged`
      : 'to be an ONNX model, which it is not';
  }
  const missing = externalFiles(proto).filter((path) => !existsSync(join(folder, path)));
  if (missing.length > 0) {
    const listed = new Set(files.map(({ path }) => path));
    const unlisted = missing.every((path) => !listed.has(path));
    return `to find its weights in ${missing.map((path) => `'${path}'`).join(', ')} beside it, got no such file${unlisted ? '; bundle.json must list it' : ''}`;
  }
  const newest = newestOpset.exec(message)?.[1];
  if (newest !== undefined) {
    const version = proto.opsetImport.find(({ domain = '' }) => domain === '')?.version;
    return `to use opset ${newest} or older, which ${runtime} knows, got opset ${version}: export it again with an older one`;
  }
  return `to be an ONNX model that ${runtime} loads: ${message}`;
}

function decode(bytes: Uint8Array): ModelProto | null {
  try {
    return decodeModel(bytes);
  } catch {
    return null;
  }
}

/** Whether a file begins as writers begin ONNX: with the version of the format, field 1, a small number. */
const looksLikeOnnx = ([tag, version = 0]: Uint8Array): boolean => tag === 8 && version < 32;
