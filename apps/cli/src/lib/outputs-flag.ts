import { askedOutputs, type Outputs, outputList } from '@umbra/shared/contracts/outputs';
import { invalidInput } from '@umbra/shared/errors';

/**
 * Parse `--outputs`: `all`, or kinds of files separated by commas. Scores and predicted classes are always kept.
 *
 * @throws {AppError} `invalid_input`
 */
export function parseOutputs(text: string): Outputs {
  const parsed = outputList.safeParse(text);
  if (parsed.success) return askedOutputs.parse(parsed.data);
  throw invalidInput(`--outputs: ${parsed.error.issues[0]?.message}, got '${text}'`);
}
