/** Plain promises around Bun's file sinks, whose methods return either a value or a promise. */

/** Writes a chunk and waits until the reader has taken it. */
export const writeToSink = async (sink: Bun.FileSink, chunk: Uint8Array): Promise<void> => {
  await sink.write(chunk)
  await sink.flush()
}

const endQuietly = async (sink: Bun.FileSink) => {
  try {
    await sink.end()
  } catch {
    // The reader is gone.
  }
}

/** Closes the sink without waiting: the reader may never take what is still in it. */
export const endSink = (sink: Bun.FileSink): void => void endQuietly(sink)
