/** Identifiers. Run ids sort by time and are safe in paths and URLs; spawn ids are numbered in order of start. */
import { Option, Schema } from "effect"

/** A run id, a prefix of one, or `last`. The pattern keeps paths inside the store. */
export const RunReference = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/))

/** `run_` and a ULID of 26 characters in lower case. Other safe names are accepted when reading. */
export const RunId = RunReference.pipe(Schema.brand("RunId"))
export type RunId = typeof RunId.Type

const ownRunId = /^run_[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** Whether a name is one that mill gives to runs. Other runs are only read. */
export const isOwnRunId = (name: string): name is RunId => ownRunId.test(name)

/** `spawn_` and a number, which counts from 1 in order of start. */
export const SpawnId = Schema.String.check(Schema.isPattern(/^spawn_\d+$/)).pipe(Schema.brand("SpawnId"))
export type SpawnId = typeof SpawnId.Type

export const makeSpawnId = (n: number): SpawnId => SpawnId.make(`spawn_${n}`)

export const readSpawnNumber = (spawnId: string): number => Number(spawnId.slice("spawn_".length))

export const makeRunId = (ulid: string): RunId => RunId.make(`run_${ulid.toLowerCase()}`)

/** mill's own name for a spawn's conversation, for agents that do not name theirs. */
export const makeSessionRef = (runId: RunId, spawnId: SpawnId): string => `${runId}/${spawnId}`

const decodeRunId = Schema.decodeUnknownOption(RunId)
const decodeSpawnId = Schema.decodeUnknownOption(SpawnId)

/** The run and the spawn in a name made by `makeSessionRef`; none for any other name. */
export const parseSessionRef = (sessionRef: string) => {
  const [run, spawn, ...more] = sessionRef.split("/")
  return more.length > 0
    ? Option.none()
    : Option.all({ runId: decodeRunId(run), spawnId: decodeSpawnId(spawn) })
}

/** A point in time, as written by `toISOString`. */
export const Timestamp = Schema.String
