import { unavailable } from '@umbra/shared/errors';

/** An image in memory, until its holder releases it. */
export type HeldImage = {
  /** @throws {Error} After the release. */
  bytes(): Buffer;
  /** Release the memory. Idempotent. */
  release(): void;
};

/** Limits the memory of the images that a process holds at once. */
export type MemoryBudget = {
  /**
   * Read an image within the budget.
   *
   * @param maxBytes Maximum size of the image, as far as it is known before the read.
   * @throws {AppError} `unavailable` where the budget is spent; what `read` throws.
   */
  hold<T extends { readonly image: Buffer }>(
    maxBytes: number,
    read: () => Promise<T>,
  ): Promise<Omit<T, 'image'> & { readonly image: HeldImage }>;
};

/** @param budgetBytes Budget for all images together; a single image is always admitted. */
export function createMemoryBudget(budgetBytes: number): MemoryBudget {
  let heldBytes = 0;
  return {
    async hold(maxBytes, read) {
      if (heldBytes > 0 && heldBytes + maxBytes > budgetBytes) {
        throw unavailable('Many images are being received: ask again in a moment');
      }
      heldBytes += maxBytes;
      let image: Buffer | null = null;
      let isReleased = false;
      const release = (): void => {
        if (!isReleased) heldBytes -= maxBytes;
        isReleased = true;
        image = null;
      };
      const bytes = (): Buffer => {
        if (image === null) throw new Error('Expected an image that was not released');
        return image;
      };
      try {
        const { image: content, ...rest } = await read();
        image = content;
        return { ...rest, image: { bytes, release } };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}
