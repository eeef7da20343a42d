import { withBand } from '../lib/partial-bands.js';
import type { BandEvent } from './events.js';
import type { ImageProgress } from './images.js';

export type BandInboxOptions = {
  /** Ask the service how far an image is. */
  readonly read: (image: string) => Promise<ImageProgress>;
  readonly known: (image: string) => ImageProgress | undefined;
  readonly keep: (image: string, progress: ImageProgress) => void;
};

/** Joins bands of scores, as they are told, with what was done of their images before. */
export type BandInbox = {
  /** A connection begins: what is known of images may lack bands of before it. */
  begin(): void;
  hear(band: BandEvent): void;
};

export function createBandInbox({ read, known, keep }: BandInboxOptions): BandInbox {
  /** Images that were read since the connection began: nothing of them is missing. */
  let whole = new Set<string>();
  /** Bands that were told while their image is read. */
  const waiting = new Map<string, BandEvent[]>();
  const catchUp = async (image: string): Promise<void> => {
    const [ofConnection, told]: [Set<string>, BandEvent[]] = [whole, []];
    waiting.set(image, told);
    try {
      const progress = await read(image);
      if (progress.state === 'finished') return keep(image, progress);
      keep(image, { ...progress, partial: told.reduce(withBand, progress.partial) });
      if (told.every(({ values }) => values !== null)) ofConnection.add(image);
    } catch {
      // The next band of it tries again.
    } finally {
      waiting.delete(image);
    }
  };
  return {
    begin() {
      whole = new Set();
    },
    hear(band) {
      const { image } = band;
      const told = waiting.get(image);
      if (told !== undefined) return void told.push(band);
      const progress = whole.has(image) ? known(image) : undefined;
      if (progress?.state === 'finished') return;
      if (progress === undefined || band.values === null) return void catchUp(image);
      keep(image, { ...progress, partial: withBand(progress.partial, band) });
    },
  };
}
