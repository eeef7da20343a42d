import type { UploadLimits } from '@umbra/datasets';
import type { WorkerServices } from '../services.js';

export const limitsOf = ({ config }: Pick<WorkerServices, 'config'>): UploadLimits => ({
  maxBytes: config.UMBRA_MAX_IMAGE_BYTES,
  maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
});
