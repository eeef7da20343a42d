import { type UmbraClient, UmbraError } from '@umbra/client';
import { uploadFiles } from '@umbra/client/files';
import { reportError } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import { hasFolder, type Refusals, uploadFolders } from './upload-folders.js';

export type PhotoUpload = {
  /** The dataset; null where none was made, since nothing was accepted. */
  readonly id: string | null;
  readonly refusals: Refusals;
  readonly error: ReturnType<typeof reportError> | null;
};

/**
 * Photos in one request, or folders in many; what is refused is told as soon as it is known.
 *
 * @throws {UmbraError} If the service refuses for another reason than what the files are.
 */
export async function upload(client: UmbraClient, photos: readonly string[]): Promise<PhotoUpload> {
  const refusals: Refusals = [];
  const onRefused = (refused: Refusals): void => {
    for (const { name, error } of refused) {
      process.stderr.write(`refused ${escapeHidden(name)}: ${error.message}\n`);
    }
    refusals.push(...refused);
  };
  try {
    const { id } = (await hasFolder(photos))
      ? await uploadFolders(client, photos, {
          onSent: (files) => process.stderr.write(`sent ${files} files\n`),
          onRefused,
        })
      : await uploadInOne(client, photos, onRefused);
    return { id, refusals, error: null };
  } catch (error) {
    // Where no file is an image, the reasons come with the refusal of them all.
    if (error instanceof UmbraError) onRefused(error.problem.refusals ?? []);
    if (refusals.length === 0) throw error;
    return { id: null, refusals, error: reportError(error) };
  }
}

async function uploadInOne(
  client: UmbraClient,
  photos: readonly string[],
  onRefused: (refused: Refusals) => void,
): Promise<{ readonly id: string }> {
  const { id, refusals } = await uploadFiles(client, photos);
  onRefused(refusals);
  return { id };
}
