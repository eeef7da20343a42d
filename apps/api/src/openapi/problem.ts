import { refusal } from '@umbra/shared/contracts/dataset';
import { type ErrorCode, errorCodes } from '@umbra/shared/errors';
import { z } from 'zod';

/** Problem details (RFC 9457), the body of every answer to a failed request. */
export const problem = z
  .looseObject({
    type: z.string().meta({ description: '`urn:umbra:problem:` and the code' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What, where, and what was expected' }),
    instance: z.string(),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string().meta({ description: 'Names the request in the log' }),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every place where the input is not as it must be' }),
    refusals: z
      .array(refusal)
      .optional()
      .meta({ description: 'Files that were not accepted, where none was' }),
  })
  .meta({ description: 'Problem details as RFC 9457 has them' });
