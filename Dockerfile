# Targets: api, worker. Both run as an unprivileged user and write only to /data.
FROM node:22-bookworm-slim AS build
WORKDIR /umbra
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
COPY packages/shared/package.json packages/shared/
COPY packages/engine/package.json packages/engine/
COPY apps/api/package.json apps/api/
COPY apps/worker/package.json apps/worker/
COPY apps/cli/package.json apps/cli/
RUN npm ci --no-audit --no-fund
COPY tsconfig.base.json ./
COPY test/provided.d.ts test/
COPY packages packages
COPY apps apps
RUN npx tsc -b apps/api apps/worker \
 && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim AS base
ENV NODE_ENV=production
WORKDIR /umbra
COPY --from=build /umbra/node_modules node_modules
COPY --from=build /umbra/packages packages
COPY --from=build /umbra/apps apps
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data

FROM base AS api
COPY models models
ENV UMBRA_HOST=0.0.0.0 UMBRA_STORE_DIR=/data/store UMBRA_MODELS_DIR=/umbra/models
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/api/dist/main.js"]

FROM base AS worker
ENV UMBRA_STORE_DIR=/data/store UMBRA_CACHE_DIR=/data/cache
CMD ["node", "apps/worker/dist/main.js"]
