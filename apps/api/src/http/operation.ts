import type { Scope } from '@umbra/platform/tenancy/api-keys';
import { AppError, type ErrorCode, notFound } from '@umbra/shared/errors';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';

/** A media type's content: what its JSON must be, or bytes. */
export type Content = Readonly<Record<string, z.ZodType | 'bytes'>>;

export type Answer = {
  readonly description: string;
  /** Media types that the answer may have; none where it has no body. */
  readonly content?: Content;
  /** What its headers say, by name. */
  readonly headers?: Readonly<Record<string, string>>;
};

type Shape = Readonly<Record<string, z.ZodType>>;

/**
 * One thing that the API does: the only place where its method, path, inputs, answers and scope are
 * said. The router, the authorisation, the OpenAPI document and the typed client all come from it.
 */
export type Operation<
  P extends Shape = Shape,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> = {
  /** `operationId` of the document, and the client's name for it. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/v1/jobs/{job}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** null for what anybody may ask. */
  readonly scope: Scope | null;
  /** One schema a name in the path; what cannot be such a name is as unknown as what is not there. */
  readonly params?: P;
  readonly query?: Q;
  /** Request headers that mean something, by name. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** A JSON body. */
  readonly body?: B;
  /** Of its JSON body at most, where that is more than the usual. */
  readonly bodyBytes?: number;
  /** Whether a request may be without its JSON body. */
  readonly bodyOptional?: boolean;
  /** Bodies that the handler reads by itself, as a stream. */
  readonly streams?: Content;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes of problems that are this operation's own, beside those that every one may give. */
  readonly problems?: readonly ErrorCode[];
};

/** Who asks, and what for. */
export type Call<P extends Shape, Q extends z.ZodType, B extends z.ZodType> = {
  readonly tenant: string;
  readonly params: { readonly [K in keyof P]: z.output<P[K]> };
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly request: Request;
  readonly response: Response;
};

export type Route = {
  readonly operation: Operation;
  readonly handle: (request: Request, response: Response, tenant: string) => Promise<void>;
};

/** State an operation; only a help for its types. */
export const operation = <
  const P extends Shape = Record<never, never>,
  Q extends z.ZodType = z.ZodObject<Record<never, never>>,
  B extends z.ZodType = z.ZodUndefined,
>(
  stated: Operation<P, Q, B>,
): Operation<P, Q, B> => stated;

/** Bind an operation to what it does. The handler sends the answer. */
export function route<P extends Shape, Q extends z.ZodType, B extends z.ZodType>(
  stated: Operation<P, Q, B>,
  handler: (call: Call<P, Q, B>) => Promise<void> | void,
): Route {
  const query = stated.query ?? z.strictObject({});
  return {
    operation: stated as unknown as Operation,
    async handle(request, response, tenant) {
      checkHeaders(stated.headers, request);
      await handler({
        tenant,
        params: parseParams(stated.params, request.params) as Call<P, Q, B>['params'],
        query: query.parse({ ...request.query }) as z.output<Q>,
        body: parseBody(stated, request) as z.output<B>,
        request,
        response,
      });
    },
  };
}

/** Who may ask: gives the tenant, or throws `unauthorized` or `forbidden`. */
export type Authorize = (request: Request, scope: Scope | null) => Promise<string>;

/**
 * Put routes under their paths.
 *
 * @param limit Counts a tenant's requests, which `response.locals.tenant` names.
 */
export function mountRoutes(
  routes: readonly Route[],
  authorize: Authorize,
  limit: RequestHandler,
): Router {
  const router = Router();
  for (const { operation: stated, handle } of routes) {
    const answer: RequestHandler = async (request, response) => {
      const tenant = response.locals.tenant as string;
      await handle(request, response, tenant);
    };
    const admit: RequestHandler = async (request, response, next) => {
      response.locals.tenant = await authorize(request, stated.scope);
      next();
    };
    const guards = stated.scope === null ? [admit] : [admit, limit];
    router[stated.method](expressPath(stated.path), ...guards, ...bodyReaders(stated), answer);
  }
  return router;
}

const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

function parseParams(shape: Shape | undefined, given: Request['params']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape ?? {}).map(([name, schema]) => {
      const parsed = schema.safeParse(given[name]);
      if (!parsed.success) {
        throw notFound(`Unknown ${name} '${String(given[name]).slice(0, 64)}'`);
      }
      return [name, parsed.data];
    }),
  );
}

/** Handlers read the headers that mean something to them; here they are held to what is said of them. */
function checkHeaders(headers: Shape | undefined, request: Request): void {
  for (const [name, schema] of Object.entries(headers ?? {})) {
    const parsed = schema.safeParse(request.get(name));
    if (parsed.success) continue;
    throw new z.ZodError(parsed.error.issues.map((issue) => ({ ...issue, path: [name] })));
  }
}

const isEmpty = (request: Request): boolean =>
  request.get('transfer-encoding') === undefined &&
  Number(request.get('content-length') ?? 0) === 0;

function parseBody({ body, bodyOptional }: Operation<Shape>, request: Request): unknown {
  if (body === undefined) return undefined;
  if (request.body === undefined && bodyOptional) return body.parse({});
  return body.parse(request.body ?? {});
}

const usualBodyBytes = 100 * 1024;

function bodyReaders({ body, streams, bodyOptional, bodyBytes }: Operation): RequestHandler[] {
  if (body === undefined) return [];
  const readJson = express.json({ limit: bodyBytes ?? usualBodyBytes });
  return [
    (request, response, next) => {
      if (bodyOptional && isEmpty(request)) return next();
      if (request.is('application/json')) return readJson(request, response, next);
      if (streams !== undefined && request.is(Object.keys(streams))) return next();
      throw new AppError(
        'unsupported_media_type',
        `Expected Content-Type ${['application/json', ...Object.keys(streams ?? {})].join(' or ')}, got ${request.get('content-type') ?? 'none'}`,
      );
    },
  ];
}
