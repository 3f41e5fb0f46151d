/**
 * Checks the log of an ended run for surplus terminal events, which snapshots would hide. Reads only the end of a long log,
 * and decodes only lines that may be terminal events.
 */
import { Effect, FileSystem, Result, Stream } from "effect"
import { IllegalTransition, StoreError } from "../../domain/error.schema.ts"
import { decodeLogLine, isRunTerminal, isSpawnTerminal } from "../../domain/event.schema.ts"
import { makeLineSplitter } from "../files/lines.ts"

const checkedBytes = 1024 * 1024

const mayEnd = /"type":"(?:run|spawn):(?:complete|failed|error|cancelled)"/

/** Fails if a spawn in the log at `path` ends twice, or if anything follows the end of the run. */
export const checkLogEnds = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const found = yield* Effect.option(fs.stat(path))
  if (found._tag === "None" || found.value.type !== "File") return
  const offset = Math.max(0, Number(found.value.size) - checkedBytes)
  const splitter = makeLineSplitter({ maxLineBytes: checkedBytes })
  const ended = new Set<string>()
  let runEnd: string | undefined
  let problem: string | undefined
  const check = (line: string) => {
    if (problem !== undefined || (runEnd === undefined && !mayEnd.test(line))) return
    const entry = Result.getOrElse(decodeLogLine(line, 0), () => undefined)
    if (entry === undefined) return
    const { event } = entry
    const refuse = (reason: string) => {
      const { message } = new IllegalTransition({ type: event.type, reason })
      problem = `event ${event.sequence} in ${path}: ${message}`
    }
    if (runEnd !== undefined) return refuse(`the run has already ended (${runEnd})`)
    if (!entry.known) return
    if (isRunTerminal(entry.event)) runEnd = entry.event.type.slice("run:".length)
    if (!isSpawnTerminal(entry.event)) return
    const { spawnId } = entry.event.payload
    if (ended.has(spawnId)) return refuse(`${spawnId} has already ended`)
    ended.add(spawnId)
  }
  yield* fs.stream(path, { offset, chunkSize: 256 * 1024 }).pipe(
    Stream.runForEach((chunk) => Effect.sync(() => splitter.push(chunk).forEach(check))),
    Effect.ignore,
  )
  if (problem !== undefined) return yield* new StoreError({ path, message: problem })
})
