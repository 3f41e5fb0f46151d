/**
 * Conversations with HTTP APIs, which keep none themselves. `sessions/<spawnId>.json` in the run's directory holds the
 * messages up to that spawn's answer. The file is written once, whole, when the answer is complete, so a conversation
 * can be resumed from each of its answers, more than once.
 */
import { Effect, FileSystem, Option, Path, Schema } from "effect"
import { cutText } from "../../domain/cut-text.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"
import { SessionMessage } from "../../domain/http-codec.schema.ts"
import { parseSessionRef, type RunId, type SpawnId } from "../../domain/ids.schema.ts"
import { directoryMode, writeAtomically } from "../files/files.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { sessionFile } from "./run-paths.ts"
import { RunStore } from "./run-store.effect.ts"

/** The contents of a session file. System prompts belong to single spawns and are not part of it. */
const SessionFile = Schema.Struct({
  version: Schema.Literal(1),
  /** The driver of the last answer and the model that it asked for. Absent in older files. */
  driver: Schema.optional(Schema.NonEmptyString),
  model: Schema.optional(Schema.NonEmptyString),
  messages: Schema.Array(SessionMessage),
})
type Session = Omit<typeof SessionFile.Type, "version">

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(SessionFile))

const refuse = (message: string) => new SpawnRefused({ cause: "codec", message: `sessionRef: ${message}` })

/** Loads a session from any run of the store. */
export const loadSession = Effect.fn("Sessions.load")(function* (sessionRef: string) {
  const name = JSON.stringify(cutText(sessionRef, 100))
  // Only a valid run id and spawn id become part of a path.
  const place = Option.getOrUndefined(parseSessionRef(sessionRef))
  if (place === undefined) {
    return yield* refuse(`${name} is not the name of an HTTP driver's session; expected <run>/<spawn>`)
  }
  const path = sessionFile((yield* RunStore).paths(place.runId), place.spawnId)
  const text = yield* Effect.mapError(readRegular(path), ({ message }) =>
    refuse(`session ${name}: ${message}`),
  )
  if (text === undefined) {
    return yield* refuse(
      `session ${name} does not exist; a session exists only after an HTTP driver has answered its spawn`,
    )
  }
  return (yield* Effect.mapError(decode(text), () =>
    refuse(`cannot read session ${name}: the file is damaged`),
  )) satisfies Session
})

/** Saves the messages up to a spawn's answer. */
export const saveSession = Effect.fn("Sessions.save")(function* (
  runId: RunId,
  spawnId: SpawnId,
  session: Session,
) {
  const fs = yield* FileSystem.FileSystem
  const path = sessionFile((yield* RunStore).paths(runId), spawnId)
  const folder = (yield* Path.Path).dirname(path)
  yield* Effect.ignore(fs.makeDirectory(folder, { recursive: true, mode: directoryMode }))
  yield* writeAtomically(path, `${JSON.stringify({ version: 1, ...session })}\n`)
})
