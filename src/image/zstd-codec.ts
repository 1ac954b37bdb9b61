type Zstd = typeof import('@bokuweb/zstd-wasm');
let loading: Promise<Zstd> | undefined;

/** What decompresses zstd, loaded once per thread and only where it is needed: 5 MiB each. */
export function zstdCodec(): Promise<Zstd> {
  return (loading ??= load());
}

async function load(): Promise<Zstd> {
  const zstd = await import('@bokuweb/zstd-wasm');
  await zstd.init();
  return zstd;
}
