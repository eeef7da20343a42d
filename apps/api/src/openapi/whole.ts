import { type ApiDocument, describeApi } from './document.js';
import { operations } from './operations.js';

/** The document of all that the API does, without an API. */
export const describeWholeApi = (): ApiDocument => describeApi(operations);
