/** Bun's sinks, which answer at once or later, with promises alone. */

/** Writes, and waits until the reader has taken it. */
export const put = async (sink: Bun.FileSink, chunk: Uint8Array): Promise<void> => {
  await sink.write(chunk)
  await sink.flush()
}

const ended = async (sink: Bun.FileSink) => {
  try {
    await sink.end()
  } catch {
    // Nobody reads it.
  }
}

/** Closes it, and waits for nothing: what has not been taken may never be. */
export const end = (sink: Bun.FileSink): void => void ended(sink)
