/** The output of the program host: published line by line to watchers of the run. */
import { DateTime, Effect } from "effect"
import { IoHub } from "../control/io-hub.effect.ts"
import { makeLineSplitter } from "../files/lines.ts"

/** Longer lines are dropped and counted. */
const maxLineBytes = 1024 * 1024

/** How many lines of standard error an error message quotes. */
const lastLinesKept = 3

/** Makes the listeners of the host's output, which ends with the scope. */
export const makeHostOutput = Effect.gen(function* () {
  const hub = yield* IoHub
  let lastLines: ReadonlyArray<string> = []

  const publish = Effect.fnUntraced(function* (stream: "stdout" | "stderr", lines: ReadonlyArray<string>) {
    if (stream === "stderr") lastLines = [...lastLines, ...lines].slice(-lastLinesKept)
    const timestamp = DateTime.formatIso(yield* DateTime.now)
    yield* hub.publish(() => lines.map((line) => ({ source: "program", stream, line, timestamp })))
  })
  const makePublisher = (stream: "stdout" | "stderr") => {
    const splitter = makeLineSplitter({ maxLineBytes })
    return {
      push: (chunk: Uint8Array) =>
        Effect.suspend(() =>
          Effect.andThen(publish(stream, splitter.push(chunk)), hub.lose("program", splitter.takeOverlong())),
        ),
      end: Effect.suspend(() => publish(stream, splitter.end())),
    }
  }
  const stdout = makePublisher("stdout")
  const stderr = makePublisher("stderr")
  const end = Effect.andThen(stdout.end, stderr.end)
  yield* Effect.addFinalizer(() => Effect.andThen(end, hub.endProgram))
  return {
    onStdout: stdout.push,
    onStderr: stderr.push,
    /** Publishes the last lines, which may lack a line feed. */
    end,
    /** The last lines of standard error, which give the reason if the host could not start. */
    lastLines: () => lastLines,
  }
})
