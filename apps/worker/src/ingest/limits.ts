import type { UploadLimits } from '@umbra/datasets';
import type { Context } from '../services.js';

export const limitsOf = ({ config }: Pick<Context, 'config'>): UploadLimits => ({
  maxBytes: config.UMBRA_MAX_IMAGE_BYTES,
  maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
});
