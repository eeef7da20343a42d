# Targets: api, worker, worker-cuda (ONNX), worker-tfjs-gpu (TensorFlow.js). All run as an unprivileged user with a
# read-only root, and write only to /data and /tmp.
ARG NODE_IMAGE=node:22.21.1-bookworm-slim
ARG CUDA_IMAGE=nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04

FROM ${NODE_IMAGE} AS build
WORKDIR /umbra
COPY package.json package-lock.json .npmrc ./
COPY packages/shared/package.json packages/shared/
COPY packages/engine/package.json packages/engine/
COPY packages/client/package.json packages/client/
COPY packages/platform/package.json packages/platform/
COPY packages/datasets/package.json packages/datasets/
COPY packages/report/package.json packages/report/
COPY apps/api/package.json apps/api/
COPY apps/worker/package.json apps/worker/
COPY apps/cli/package.json apps/cli/
COPY apps/web/package.json apps/web/
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json ./
COPY test/provided.d.ts test/
COPY packages packages
COPY apps apps
COPY docs/report.md docs/
COPY scripts/sbom.mjs scripts/
COPY scripts/lib/run.mjs scripts/lib/supply.mjs scripts/lib/
# The bill of materials needs the development dependencies, and lists those that the page bundles.
RUN node scripts/sbom.mjs sbom.cdx.json
# A schema library has the compiler as an optional peer dependency, so npm prune does not remove it.
RUN npx tsc -b apps/api apps/worker apps/cli \
 && npx vite build apps/web \
 && npx vite build apps/web --config apps/web/vite.offline.config.ts \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/typescript node_modules/@typescript \
 && rm -r node_modules/onnxruntime-node/bin/napi-v*/darwin node_modules/onnxruntime-node/bin/napi-v*/win32

# The provider is too large for the npm registry; its own installer downloads it, together with TensorRT's.
FROM build AS build-cuda
RUN ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js \
 && rm node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime_providers_tensorrt.so

# Builds the binding of tfjs-node-gpu against the library of a current TensorFlow for CUDA 12.
FROM build AS build-tfjs-gpu
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-pip g++ make \
 && rm -rf /var/lib/apt/lists/*
COPY scripts scripts
RUN sha256sum package-lock.json | cut -d ' ' -f 1 > node_modules/.umbra-lock \
 && npm_config_omit=dev node scripts/setup-tfjs-node.mjs --gpu \
 && rm -r node_modules/@tensorflow/tfjs-node-gpu/deps/tensorflow/include

FROM ${NODE_IMAGE} AS base
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 UMBRA_METRICS_PORT=9464
WORKDIR /umbra
COPY --from=build /umbra/node_modules node_modules
COPY --from=build /umbra/packages packages
COPY --from=build /umbra/apps apps
COPY --from=build /umbra/sbom.cdx.json ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data

FROM base AS api
COPY models models
# Rows are sorted and exported in the pool that files, keys and compression need as well.
ENV UV_THREADPOOL_SIZE=16
ENV UMBRA_HOST=0.0.0.0 UMBRA_STORE_DIR=/data/store UMBRA_MODELS_DIR=/umbra/models UMBRA_CACHE_DIR=/data/cache
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/api/dist/main.js"]

FROM base AS worker
ENV UMBRA_STORE_DIR=/data/store UMBRA_CACHE_DIR=/data/cache
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/worker/dist/main.js"]

FROM ${CUDA_IMAGE} AS worker-tfjs-gpu
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 UMBRA_TFJS=node-gpu UMBRA_METRICS_PORT=9464 UMBRA_STORE_DIR=/data/store UMBRA_CACHE_DIR=/data/cache
WORKDIR /umbra
COPY --from=build-tfjs-gpu /usr/local/bin/node /usr/local/bin/
COPY --from=build-tfjs-gpu /umbra/node_modules node_modules
COPY --from=build-tfjs-gpu /umbra/packages packages
COPY --from=build-tfjs-gpu /umbra/apps apps
COPY --from=build-tfjs-gpu /umbra/sbom.cdx.json ./
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/worker/dist/main.js"]

FROM ${CUDA_IMAGE} AS worker-cuda
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 UMBRA_PROVIDER=cuda UMBRA_METRICS_PORT=9464 UMBRA_STORE_DIR=/data/store UMBRA_CACHE_DIR=/data/cache
WORKDIR /umbra
COPY --from=build-cuda /usr/local/bin/node /usr/local/bin/
COPY --from=build-cuda /umbra/node_modules node_modules
COPY --from=build-cuda /umbra/packages packages
COPY --from=build-cuda /umbra/apps apps
COPY --from=build-cuda /umbra/sbom.cdx.json ./
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/worker/dist/main.js"]
