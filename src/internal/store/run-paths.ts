/** Where a run's files lie. */
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

/** What the program's process reads of the plan, where that is not to be all of it. */
export const hostPlanFile = (paths: RunPaths): string => `${paths.runDir}/host-plan.json`

/** What is kept of one spawn beside the event log. */
export const spawnFile = (paths: RunPaths, spawnId: SpawnId): string =>
  `${paths.runDir}/spawns/${spawnId}.json`

/** A private directory of one spawn, for as long as it runs. */
export const scratchDir = (paths: RunPaths, spawnId: SpawnId): string =>
  `${paths.runDir}/spawns/${spawnId}.scratch`

/** Space that a live run keeps for itself on the disk. */
export const reserveFile = (paths: RunPaths): string => `${paths.runDir}/reserve`

/** Names the control socket of the run's worker. */
export const controlFile = (paths: RunPaths): string => `${paths.runDir}/control`

/** The conversation of a spawn that an HTTP API has answered. */
export const sessionFile = (paths: RunPaths, spawnId: SpawnId): string =>
  `${paths.runDir}/sessions/${spawnId}.json`
