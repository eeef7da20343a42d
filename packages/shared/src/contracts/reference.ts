/** A dataset or job: ids are unique within their tenant alone. */
export type Reference = { readonly tenant: string; readonly id: string };
