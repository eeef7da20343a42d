/** What the page shows of a schema. */
export type ShownSchema = {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly ShownSchema[];
  readonly oneOf?: readonly ShownSchema[];
  readonly items?: ShownSchema | boolean;
  readonly properties?: Readonly<Record<string, ShownSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: ShownSchema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
};

export type ShownContent = Readonly<
  Record<string, { readonly schema?: ShownSchema; readonly 'x-item-schema'?: ShownSchema }>
>;

export type ShownParameter = {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: ShownSchema;
};

export type ShownResponse = {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: ShownContent;
};

export type ShownOperation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly ShownParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: ShownContent };
  readonly responses: Readonly<Record<string, ShownResponse>>;
};

/** What the page shows of the OpenAPI document. */
export type ShownDocument = {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
  };
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, ShownSchema>>;
    readonly responses: Readonly<Record<string, ShownResponse>>;
    readonly securitySchemes: Readonly<Record<string, { readonly description: string }>>;
  };
};

/** An operation with its place. */
export type ShownRoute = {
  readonly method: string;
  readonly path: string;
  readonly operation: ShownOperation;
};

/** The last part of a reference, `#/components/schemas/Job`. */
export const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);
