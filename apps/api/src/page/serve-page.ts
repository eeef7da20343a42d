import { fileURLToPath } from 'node:url';
import { mustGet } from '@umbra/shared/assert';
import { notFound } from '@umbra/shared/errors';
import { pagePaths } from '@umbra/shared/page-paths';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { answerNotModified } from '../http/not-modified.js';
import { encodings, type PageFile, readPageFiles } from './page-files.js';

/** Folder of the built page, in a checkout and in an image alike. */
const builtPage = fileURLToPath(new URL('../../../web/dist', import.meta.url));

/** Nothing from elsewhere, and nothing inline; photos that were chosen in the page are shown from memory. */
const policy = [
  "default-src 'self'",
  "img-src 'self' blob: data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Names in it have a digest of their content, so what they name never changes. */
const hashedFolder = '/assets/';

/**
 * Serves the page at its paths, and its files; every other path is left to the next handler. A page that
 * is built later is found then.
 *
 * @param folder Folder of the built page.
 */
export function servePage(folder = builtPage): RequestHandler {
  let files: ReturnType<typeof readPageFiles> = null;
  const router = Router();
  router.get([...pagePaths], (request, response) => {
    files ??= readPageFiles(folder);
    if (files === null) {
      throw notFound(
        "The page is not built, 'npm run build' builds it; /docs shows the HTTP interface",
      );
    }
    response.set('Content-Security-Policy', policy);
    sendFile(request, response, mustGet(files, '/index.html'));
  });
  // No route: what is none of its files is not answered here, and is not counted as this.
  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    files ??= readPageFiles(folder);
    const file = files?.get(request.path);
    if (file === undefined || file.type === 'text/html') return next();
    sendFile(request, response, file);
  });
  return router;
}

function sendFile(request: Request, response: Response, { type, body, encoded }: PageFile): void {
  const isHashed = request.path.startsWith(hashedFolder);
  response.set('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.vary('Accept-Encoding');
  const encoding = encodings.find(
    ({ name }) => encoded[name] !== undefined && request.acceptsEncodings(name) === name,
  );
  const sent = (encoding && encoded[encoding.name]) ?? body;
  if (answerNotModified(request, response, [encoding?.name, sent.toString('base64')])) return;
  if (encoding !== undefined) response.set('Content-Encoding', encoding.name);
  response.type(type).send(sent);
}
