import type { TurnRequest, Turns } from '@umbra/shared/turns';

/** An image in memory, until its holder releases it. */
export type HeldImage = {
  /** @throws {Error} After the release. */
  bytes(): Buffer;
  /** Release the memory. Idempotent. */
  release(): void;
};

/**
 * Read an image within the memory that requests share.
 *
 * @param request Its weight is the image's maximum size, as far as it is known before the read, bytes.
 * @throws {AppError} `unavailable` where too many wait. What `read` throws, and then nothing is held.
 */
export async function holdImage<T extends { readonly image: Buffer }>(
  turns: Turns,
  request: TurnRequest,
  read: () => Promise<T>,
): Promise<Omit<T, 'image'> & { readonly image: HeldImage }> {
  const giveBack = await turns.take(request);
  try {
    const { image: content, ...rest } = await read();
    let image: Buffer | null = content;
    const release = (): void => {
      image = null;
      giveBack();
    };
    const bytes = (): Buffer => {
      if (image === null) throw new Error('Expected an image that was not released');
      return image;
    };
    return { ...rest, image: { bytes, release } };
  } catch (error) {
    giveBack();
    throw error;
  }
}
