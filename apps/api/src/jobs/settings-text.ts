import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';

/** Settings of a run, as JSON. */
export const settingsText = z.string().max(4096).default('{}');

/** Read settings, whose fields are checked as those of a job. @throws {AppError} `invalid_input` unless it is JSON. */
export function parseSettings(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidInput('settings: Expected valid JSON', error);
  }
}
