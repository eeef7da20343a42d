import type { IntakeLimits } from '@umbra/datasets';
import type { Context } from '../services.js';

export const limitsOf = ({ config }: Pick<Context, 'config'>): IntakeLimits => ({
  maxBytes: config.UMBRA_MAX_IMAGE_BYTES,
  maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
});
