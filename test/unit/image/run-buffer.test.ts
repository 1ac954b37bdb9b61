import { afterEach, describe, expect, it, vi } from 'vitest';

const MIB = 1024 * 1024;

/** A thread that has taken no buffer yet. */
async function newThread(): Promise<typeof import('../../../src/image/run-buffer.js')> {
  vi.resetModules();
  return import('../../../src/image/run-buffer.js');
}

// That they start on a page, test/integration/mover/storage-calls.test.ts shows.
describe('run buffers', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('are carved out of one memory, and no two of them share a byte', async () => {
    const { takeRunBuffer } = await newThread();
    const buffers = Array.from({ length: 16 }, (_, n) => takeRunBuffer().fill(n));
    expect(new Set(buffers.map(({ buffer }) => buffer)).size).toBe(1);
    for (const [n, buffer] of buffers.entries()) {
      expect(buffer.length).toBe(MIB);
      expect(buffer.byteOffset % MIB).toBe(0);
      expect(buffer.every((byte) => byte === n)).toBe(true);
    }
    const [one, another] = [takeRunBuffer(), takeRunBuffer()];
    expect(one.buffer).not.toBe(buffers[0]!.buffer);
    expect(another.buffer).toBe(one.buffer);
  });

  it('are taken again when they were given back, also by what failed', async () => {
    const { giveRunBuffer, takeRunBuffer, withRunBuffer } = await newThread();
    const buffer = takeRunBuffer();
    giveRunBuffer(buffer);
    const failing = withRunBuffer((lent) => {
      expect(lent).toBe(buffer);
      return Promise.reject(new Error('no'));
    });
    await expect(failing).rejects.toThrow('no');
    expect(takeRunBuffer()).toBe(buffer);
  });

  it('are there where a process may not reserve the addresses that such a memory takes', async () => {
    const Memory = vi.fn(function () {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory');
    });
    vi.stubGlobal('WebAssembly', { Memory });
    const { takeRunBuffer } = await newThread();
    const [one, another] = [takeRunBuffer(), takeRunBuffer()];
    expect([one.length, another.length]).toEqual([MIB, MIB]);
    expect(one.buffer).not.toBe(another.buffer);
    expect(Memory).toHaveBeenCalled();
  });
});
