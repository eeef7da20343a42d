import { unavailable } from '@umbra/shared/errors';

/** An image in memory, until it is stored: whoever waits for its results holds it no longer. */
export type HeldImage = {
  /** @throws {Error} Once it was let go. */
  bytes(): Buffer;
  release(): void;
};

export type MemoryBudget = {
  /**
   * Read an image where there is room for it.
   *
   * @param most Of its bytes, as far as that is known beforehand.
   * @throws {AppError} `unavailable` where there is none; what `read` throws.
   */
  hold<T extends { readonly image: Buffer }>(
    most: number,
    read: () => Promise<T>,
  ): Promise<Omit<T, 'image'> & { readonly image: HeldImage }>;
};

/** @param maxBytes Of all images together; one alone is always let in. */
export function createMemoryBudget(maxBytes: number): MemoryBudget {
  let held = 0;
  return {
    async hold(most, read) {
      if (held > 0 && held + most > maxBytes) {
        throw unavailable('Many images are being received: ask again in a moment');
      }
      held += most;
      let image: Buffer | null = null;
      let isOver = false;
      const release = (): void => {
        if (!isOver) held -= most;
        isOver = true;
        image = null;
      };
      const bytes = (): Buffer => {
        if (image === null) throw new Error('Expected an image that was not let go');
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
