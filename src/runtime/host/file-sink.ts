/** Bun's sinks, which answer at once or later, with promises alone. */

/** Writes, and waits until the reader has taken it. */
export const put = async (sink: Bun.FileSink, chunk: string | Uint8Array): Promise<void> => {
  await sink.write(chunk)
  await sink.flush()
}

/** Closes it. */
export const end = async (sink: Bun.FileSink): Promise<void> => {
  await sink.end()
}
