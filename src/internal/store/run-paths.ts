/** The paths of a run's files. */
import type { RunId, SpawnId } from "../../domain/ids.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"

/** The paths of a run in the store at `runsDir` (absolute). */
export const runPaths = (runsDir: string, runId: RunId): RunPaths => pathsIn(`${runsDir}/${runId}`)

/** The paths of the run whose directory is `runDir`. */
export const pathsIn = (runDir: string): RunPaths => ({
  runDir,
  runFile: `${runDir}/run.json`,
  eventsFile: `${runDir}/events.ndjson`,
  resultFile: `${runDir}/result.json`,
  planFile: `${runDir}/plan.json`,
  programFile: `${runDir}/program.ts`,
  logFile: `${runDir}/logs/worker.log`,
})

/** The file of a frozen source. */
export const sourceFile = (paths: RunPaths, sha256: string): string => `${paths.runDir}/sources/${sha256}`

/** The record of one spawn, in addition to the event log. */
export const spawnFile = (paths: RunPaths, spawnId: SpawnId): string =>
  `${paths.runDir}/spawns/${spawnId}.json`

/** Holds the path of the worker's control socket. */
export const controlFile = (paths: RunPaths): string => `${paths.runDir}/control`

/** The conversation up to the answer of an HTTP spawn. */
export const sessionFile = (paths: RunPaths, spawnId: SpawnId): string =>
  `${paths.runDir}/sessions/${spawnId}.json`
