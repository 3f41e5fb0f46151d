/**
 * Conversations with HTTP APIs, which have no memory of their own: `sessions/<spawnId>.json` in the run's folder holds
 * all that was said up to that spawn's answer. It is written when an answer is complete, whole, and never changed, so
 * that a conversation can be gone on with from any of its answers, more than once.
 */
import { Effect, FileSystem, Option, Path, Schema } from "effect"
import { SpawnRefused } from "../../domain/error.schema.ts"
import { SessionMessage } from "../../domain/http-codec.schema.ts"
import { parseSessionRef, type RunId, type SpawnId } from "../../domain/ids.schema.ts"
import { directoryMode, reasonOf, writeAtomically } from "../files/files.effect.ts"
import { sessionFile } from "./run-paths.ts"
import { RunStore } from "./run-store.effect.ts"

/** The contents of a session's file. System prompts are each spawn's own, and not part of it. */
const SessionFile = Schema.Struct({ version: Schema.Literal(1), messages: Schema.Array(SessionMessage) })
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(SessionFile))

const refuse = (message: string) => new SpawnRefused({ cause: "codec", message: `sessionRef: ${message}` })

/** The messages of the session with this name, from any run of the store. */
export const loadSession = Effect.fn("Sessions.load")(function* (sessionRef: string) {
  const fs = yield* FileSystem.FileSystem
  const shown = JSON.stringify(sessionRef.length > 100 ? `${sessionRef.slice(0, 100)}…` : sessionRef)
  // Nothing that is not made of a run's id and a spawn's becomes part of a path.
  const place = Option.getOrUndefined(parseSessionRef(sessionRef))
  if (place === undefined) {
    return yield* refuse(`${shown} is no session of an HTTP driver: those are called <run>/<spawn>`)
  }
  const path = sessionFile((yield* RunStore).paths(place.runId), place.spawnId)
  const text = yield* fs.readFileString(path).pipe(
    Effect.catchReason("PlatformError", "NotFound", () =>
      refuse(`there is no session ${shown}: no such spawn has been answered by an HTTP driver`),
    ),
    Effect.catchTag("PlatformError", (error) =>
      refuse(`the session ${shown} cannot be read: ${reasonOf(error)}`),
    ),
  )
  const { messages } = yield* Effect.mapError(decode(text), () =>
    refuse(`the session ${shown} cannot be read: its file is damaged`),
  )
  return messages
})

/** Keeps what was said up to a spawn's answer. */
export const saveSession = Effect.fn("Sessions.save")(function* (
  runId: RunId,
  spawnId: SpawnId,
  messages: ReadonlyArray<SessionMessage>,
) {
  const fs = yield* FileSystem.FileSystem
  const path = sessionFile((yield* RunStore).paths(runId), spawnId)
  const folder = (yield* Path.Path).dirname(path)
  yield* Effect.ignore(fs.makeDirectory(folder, { recursive: true, mode: directoryMode }))
  yield* writeAtomically(path, `${JSON.stringify({ version: 1, messages })}\n`)
})
