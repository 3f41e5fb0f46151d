/**
 * Identifiers. A run id is time-ordered and safe in a path and in a URL; a spawn id tells the order of start.
 */
import { Option, Schema } from "effect"

/** What may stand where a run is named on a command line or in a path: nothing that could leave the store. */
export const RunReference = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/))

/** `run_` and the 26 characters of a ULID in lower case. Other safe names are accepted when read. */
export const RunId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/)).pipe(
  Schema.brand("RunId"),
)
export type RunId = typeof RunId.Type

/** `spawn_` and a number, counted from 1 in order of start. */
export const SpawnId = Schema.String.check(Schema.isPattern(/^spawn_\d+$/)).pipe(Schema.brand("SpawnId"))
export type SpawnId = typeof SpawnId.Type

/** The id of the spawn that was started as the `n`th of its run. */
export const makeSpawnId = (n: number): SpawnId => SpawnId.make(`spawn_${n}`)

/** The number in a spawn id. */
export const readSpawnNumber = (spawnId: string): number => Number(spawnId.slice("spawn_".length))

/** The id of a run, from a ULID. */
export const makeRunId = (ulid: string): RunId => RunId.make(`run_${ulid.toLowerCase()}`)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

/** When the run was created, in milliseconds since 1970: the first ten characters of its ULID. */
export const readCreatedAt = (runId: RunId): number => {
  let millis = 0
  for (const character of runId.slice(4, 14)) millis = millis * 32 + Math.max(0, crockford.indexOf(character))
  return millis
}

/** What mill calls the conversation of a spawn whose agent has no name for it. */
export const makeSessionRef = (runId: RunId, spawnId: SpawnId): string => `${runId}/${spawnId}`

const decodeRunId = Schema.decodeUnknownOption(RunId)
const decodeSpawnId = Schema.decodeUnknownOption(SpawnId)

/** Which spawn of which run such a name means; none, when it is another kind of name. */
export const parseSessionRef = (sessionRef: string) => {
  const [run, spawn, ...more] = sessionRef.split("/")
  return more.length > 0
    ? Option.none()
    : Option.all({ runId: decodeRunId(run), spawnId: decodeSpawnId(spawn) })
}

/** An instant, as `toISOString` writes it. */
export const Timestamp = Schema.String
