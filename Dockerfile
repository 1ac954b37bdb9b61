# Debian, because the native core of the Temporal SDK needs glibc.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json vite.config.js ./
COPY scripts scripts
COPY src src
COPY workflows workflows
COPY activities activities
COPY bench bench
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A new volume takes this mode, and LONGHAUL_USER may be anybody.
RUN install --directory --owner=node --group=node --mode=1777 /var/lib/longhaul
USER node
EXPOSE 8420
ENTRYPOINT ["node", "/app/dist/src/bin/longhaul.cjs"]
CMD ["--help"]
