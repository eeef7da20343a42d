import { Counter, type Registry } from 'prom-client';

/** @returns A function that counts the death of a process that decodes images. */
export function countDecoderDeaths(registry: Registry): () => void {
  const deaths = new Counter({
    name: 'umbra_decoder_deaths_total',
    help: 'Decoding processes that ended at an image, or were ended at its deadline',
    registers: [registry],
  });
  return () => deaths.inc();
}
