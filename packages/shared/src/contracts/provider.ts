/** What a network may run on: onnxruntime's execution providers. */
export const providers = ['cpu', 'cuda', 'webgpu'] as const;
export type Provider = (typeof providers)[number];

/** What runs TensorFlow.js models: its native packages, or WebAssembly. */
export const tfjsChoices = ['auto', 'node-gpu', 'node', 'wasm'] as const;
export type TfjsChoice = (typeof tfjsChoices)[number];
