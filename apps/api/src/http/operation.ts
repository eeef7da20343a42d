import type { Scope } from '@umbra/platform/tenancy/api-keys';
import { AppError, type ErrorCode, notFound } from '@umbra/shared/errors';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { Identity } from './identity.js';
import { type BodyPace, isEmpty, openSignal } from './request-signal.js';

/** Content of a body by media type: the schema of its JSON, or bytes. */
export type Content = Readonly<Record<string, z.ZodType | 'bytes'>>;

export type OperationAnswer = {
  readonly description: string;
  /** Media types of the answer; undefined where it has no body. */
  readonly content?: Content;
  /** Descriptions of its headers, by name. */
  readonly headers?: Readonly<Record<string, string>>;
};

type ParamSchemas = Readonly<Record<string, z.ZodType>>;

/**
 * One operation of the API: the only declaration of its method, path, inputs, answers and scope. The
 * router, the authorization, the OpenAPI document and the typed client are all derived from it.
 */
export type Operation<
  P extends ParamSchemas = ParamSchemas,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> = {
  /** `operationId` of the document, and the name of the client's method. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Path template as in OpenAPI: `/v1/jobs/{job}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Scope that a key needs; null for an operation without authentication. */
  readonly scope: Scope | null;
  /** Whether it takes the key itself, and no session made from one. */
  readonly keyOnly?: boolean;
  /** Schema of each path parameter; a value that fails it is answered 404, as one that does not exist. */
  readonly params?: P;
  readonly query?: Q;
  /** Schemas of the request headers that the operation reads, by name. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** Schema of the JSON body. */
  readonly body?: B;
  /** Maximum size of the JSON body, where it is above the default, bytes. */
  readonly bodyBytes?: number;
  /** Whether a request may omit its JSON body. */
  readonly bodyOptional?: boolean;
  /** Bodies that the handler reads as a stream. */
  readonly streams?: Content;
  readonly answers: Readonly<Record<number, OperationAnswer>>;
  /** Error codes of this operation, beside those that every operation has. */
  readonly problems?: readonly ErrorCode[];
};

/** Who asks, for as long as the client waits. */
export type Caller = {
  readonly tenant: string;
  readonly identity: Identity;
  /** Aborted once the client disconnects or its body is too slow: everything that works for it heeds this. */
  readonly signal: AbortSignal;
};

/** A parsed request. */
export type Call<P extends ParamSchemas, Q extends z.ZodType, B extends z.ZodType> = Caller & {
  readonly params: { readonly [K in keyof P]: z.output<P[K]> };
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly request: Request;
  readonly response: Response;
};

export type Route = {
  readonly operation: Operation;
  readonly handle: (request: Request, response: Response, caller: Caller) => Promise<void>;
};

/** Declare an operation; infers its types. */
export const operation = <
  const P extends ParamSchemas = Record<never, never>,
  Q extends z.ZodType = z.ZodObject<Record<never, never>>,
  B extends z.ZodType = z.ZodUndefined,
>(
  stated: Operation<P, Q, B>,
): Operation<P, Q, B> => stated;

/** Bind an operation to its handler, which sends the answer. */
export function route<P extends ParamSchemas, Q extends z.ZodType, B extends z.ZodType>(
  stated: Operation<P, Q, B>,
  handler: (call: Call<P, Q, B>) => Promise<void> | void,
): Route {
  const query = stated.query ?? z.strictObject({});
  return {
    operation: stated as unknown as Operation,
    async handle(request, response, caller) {
      checkHeaders(stated.headers, request);
      await handler({
        ...caller,
        params: parseParams(stated.params, request.params) as Call<P, Q, B>['params'],
        query: query.parse({ ...request.query }) as z.output<Q>,
        body: parseBody(stated, request) as z.output<B>,
        request,
        response,
      });
    },
  };
}

/** Tells who asks for an operation. @throws {AppError} `unauthorized`; `forbidden` */
export type Authorize = (
  request: Request,
  operation: Pick<Operation, 'scope' | 'keyOnly'>,
) => Promise<Identity>;

export type Guards = {
  readonly authorize: Authorize;
  /** Rate limiter of the tenant in `response.locals.tenant`. */
  readonly limit: RequestHandler;
  readonly pace: BodyPace;
};

/** Mount routes under their paths. */
export function mountRoutes(routes: readonly Route[], { authorize, limit, pace }: Guards): Router {
  const router = Router();
  for (const { operation: stated, handle } of routes) {
    const answer: RequestHandler = async (request, response) => {
      await handle(request, response, response.locals as Caller);
    };
    const admit: RequestHandler = async (request, response, next) => {
      response.locals.signal = openSignal(request, response, pace);
      // What needs a key is its holder's alone: no cache keeps it.
      if (stated.scope !== null) response.set('Cache-Control', 'no-store');
      const identity = await authorize(request, stated);
      Object.assign(response.locals, { identity, tenant: identity.tenant });
      next();
    };
    const guards = stated.scope === null ? [admit] : [admit, limit];
    router[stated.method](expressPath(stated.path), ...guards, ...bodyReaders(stated), answer);
  }
  return router;
}

const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

function parseParams(
  schemas: ParamSchemas | undefined,
  given: Request['params'],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schemas ?? {}).map(([name, schema]) => {
      const parsed = schema.safeParse(given[name]);
      if (!parsed.success) {
        throw notFound(`Unknown ${name} '${String(given[name]).slice(0, 64)}'`);
      }
      return [name, parsed.data];
    }),
  );
}

/** Validate the declared headers; handlers read their values. */
function checkHeaders(headers: ParamSchemas | undefined, request: Request): void {
  for (const [name, schema] of Object.entries(headers ?? {})) {
    const parsed = schema.safeParse(request.get(name));
    if (parsed.success) continue;
    throw new z.ZodError(parsed.error.issues.map((issue) => ({ ...issue, path: [name] })));
  }
}

function parseBody({ body, bodyOptional }: Operation<ParamSchemas>, request: Request): unknown {
  if (body === undefined) return undefined;
  if (request.body === undefined && bodyOptional) return body.parse({});
  return body.parse(request.body ?? {});
}

const defaultBodyBytes = 100 * 1024;

function bodyReaders({ body, streams, bodyOptional, bodyBytes }: Operation): RequestHandler[] {
  if (body === undefined) return [];
  const readJson = express.json({ limit: bodyBytes ?? defaultBodyBytes });
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
