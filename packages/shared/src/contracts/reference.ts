/** A dataset or job: ids are unique within their tenant alone. */
export type Reference = { readonly tenant: string; readonly id: string };

/** A stored model as a tenant asks for it: one of its own, or one of the service's. */
export type ModelReference = {
  readonly tenant: string;
  readonly name: string;
  readonly digest: string;
};
