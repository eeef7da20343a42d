/** Paths of the page, as its router matches them; the API answers each with the page, and no other. */
export const pagePaths = [
  '/',
  '/jobs',
  '/jobs/new',
  '/jobs/:job',
  '/jobs/:job/images/:image',
  '/jobs/:job/report',
  '/compare',
  '/datasets',
  '/models',
  '/models/:model',
  '/workers',
] as const;
export type PagePath = (typeof pagePaths)[number];
