import { type ApiDocument, describeApi } from './document.js';
import { operations } from './operations.js';

/** Write the OpenAPI document of the whole API, without starting it. */
export const describeWholeApi = (): ApiDocument => describeApi(operations);
