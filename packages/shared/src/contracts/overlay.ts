import { z } from 'zod';

/** Opacity of the strongest attribution of an overlay, unless another is asked for. */
export const defaultOpacity = 0.8;

/** How an overlay is drawn. */
export const overlayView = z.strictObject({
  /** Opacity of the strongest attribution, from 0, the photo alone, to 1. */
  opacity: z.coerce.number().min(0).max(1).default(defaultOpacity),
});
export type OverlayView = z.output<typeof overlayView>;
