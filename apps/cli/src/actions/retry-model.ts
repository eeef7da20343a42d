import { openService, type ServiceFlags } from '../lib/service.js';

/** Run a model of a service again that was set aside. */
export async function retryModel(model: string, flags: ServiceFlags): Promise<void> {
  const client = await openService(flags);
  const params = { path: { model } };
  // Whatever is no success is thrown.
  const { data } = await client.api.POST('/v1/models/{model}/retry', { params });
  process.stderr.write(`Model ${data?.name ?? model} runs again\n`);
}
