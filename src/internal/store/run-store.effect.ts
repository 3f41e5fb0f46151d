/**
 * The store has a directory for each run. The directory appears whole, with the plan and the sources in it. The
 * snapshots `run.json` and `result.json` are written whole and can be rebuilt from the plan and the event log.
 */
import { Context, Effect, FileSystem, Layer, Schema } from "effect"
import { StoreError } from "../../domain/error.schema.ts"
import { isOwnRunId, RunId } from "../../domain/ids.schema.ts"
import { Plan, planVersion } from "../../domain/plan.schema.ts"
import { initialRunState, type RunState } from "../../domain/run-state.schema.ts"
import { makeRunRecord, type RunFacts, toRunFacts } from "../../domain/run-summary.ts"
import { isTerminalStatus, type RunPaths, RunRecord, RunResult } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import {
  directoryMode,
  fileMode,
  pathExists,
  toStoreError,
  syncDirectory,
  writeAtomically,
} from "../files/files.effect.ts"
import { readRegular } from "../files/regular-files.effect.ts"
import { readOlderRecord } from "./older-runs.effect.ts"
import { pathsIn, runPaths } from "./run-paths.ts"

const isRunId = Schema.is(RunId)

/** A directory that may contain a run of an older version. */
const mayBeOlder = (name: string): name is RunId => name.startsWith("run_") && isRunId(name)
const decodePlanVersion = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ planVersion: Schema.Finite })),
)
const decodePlan = Schema.decodeUnknownEffect(Schema.fromJsonString(Plan))
const decodeRecord = Schema.decodeUnknownEffect(Schema.fromJsonString(RunRecord))
const decodeResult = Schema.decodeUnknownEffect(Schema.fromJsonString(RunResult))

const missing = (path: string) =>
  new StoreError({ path, message: `cannot read ${path}: no such file or directory` })

const damaged = (path: string) =>
  new StoreError({ path, message: `cannot read ${path}: the file is damaged` })

/** Contents of frozen sources, by sha256. */
export type SourceContents = ReadonlyMap<string, string>

export class RunStore extends Context.Service<
  RunStore,
  {
    readonly paths: (runId: RunId) => RunPaths
    readonly exists: (runId: RunId) => Effect.Effect<boolean>
    /** Creates the directory of a new run. Leaves nothing behind when it fails. */
    readonly create: (
      plan: Plan,
      program: string,
      sources: SourceContents,
    ) => Effect.Effect<RunPaths, StoreError>
    readonly plan: (runId: RunId) => Effect.Effect<Plan, StoreError>
    /** Whether the run's plan is one that another version of mill wrote and that this one cannot read. */
    readonly hasOtherPlanVersion: (runId: RunId) => Effect.Effect<boolean>
    /** Reads `run.json`; `undefined` when it cannot be read. */
    readonly snapshot: (runId: RunId) => Effect.Effect<RunRecord | undefined>
    /** Reads `run.json` when it has a terminal status. */
    readonly endedRecord: (runId: RunId) => Effect.Effect<RunRecord | undefined>
    readonly result: (runId: RunId) => Effect.Effect<RunResult, StoreError>
    /** Writes `run.json` from a state. */
    readonly writeRecord: (facts: RunFacts, state: RunState) => Effect.Effect<RunRecord, StoreError>
    readonly writeResult: (result: RunResult) => Effect.Effect<void, StoreError>
    /** The ids of mill's own runs, newest first. */
    readonly names: Effect.Effect<ReadonlyArray<RunId>, StoreError>
    /** The other entries of the store: those that may be runs of older versions, and the number of the rest. */
    readonly others: Effect.Effect<
      { readonly older: ReadonlyArray<RunId>; readonly unknown: number },
      StoreError
    >
  }
>()("mill/internal/RunStore") {
  static readonly layer = Layer.effect(
    RunStore,
    Effect.gen(function* () {
      const { runsDir } = yield* Settings
      const fs = yield* FileSystem.FileSystem
      const provideFs = Effect.provideService(FileSystem.FileSystem, fs)
      const paths = (runId: RunId) => runPaths(runsDir, runId)

      const exists = (runId: RunId) => provideFs(pathExists(paths(runId).runDir))

      const create = Effect.fn("RunStore.create")(function* (
        plan: Plan,
        program: string,
        sources: SourceContents,
      ) {
        const { runId } = plan.invocation
        const final = paths(runId)
        const building = pathsIn(`${runsDir}/.new-${runId}`)
        const write = (path: string, contents: string) =>
          fs.writeFileString(path, contents, { mode: fileMode })
        const makeDirectory = (path: string) =>
          fs.makeDirectory(path, { recursive: true, mode: directoryMode })
        yield* makeDirectory(runsDir).pipe(Effect.mapError(toStoreError(runsDir, "create")))
        yield* Effect.gen(function* () {
          yield* makeDirectory(building.runDir)
          for (const folder of ["logs", "spawns", "sources"])
            yield* makeDirectory(`${building.runDir}/${folder}`)
          yield* write(building.planFile, `${JSON.stringify(plan)}\n`)
          yield* write(building.programFile, program)
          for (const [sha256, contents] of sources) {
            yield* write(`${building.runDir}/sources/${sha256}`, contents)
          }
          const record = makeRunRecord(toRunFacts(plan), final, initialRunState)
          yield* write(building.runFile, `${JSON.stringify(record)}\n`)
          yield* fs.rename(building.runDir, final.runDir)
        }).pipe(
          Effect.mapError(toStoreError(final.runDir, "create")),
          Effect.onError(() => Effect.ignore(fs.remove(building.runDir, { recursive: true, force: true }))),
        )
        yield* syncDirectory(runsDir)
        return final
      }, provideFs)

      const read = <A, E>(path: string, decode: (text: string) => Effect.Effect<A, E>) =>
        provideFs(readRegular(path)).pipe(
          Effect.flatMap((text) =>
            text === undefined ? missing(path) : Effect.mapError(decode(text), () => damaged(path)),
          ),
        )

      const readPlanVersion = (runId: RunId) =>
        read(paths(runId).planFile, decodePlanVersion).pipe(
          Effect.map(({ planVersion: found }) => found),
          Effect.orElseSucceed(() => undefined),
        )

      const plan = Effect.fn("RunStore.plan")((runId: RunId) => {
        const path = paths(runId).planFile
        return Effect.tapError(read(path, decodePlan), () =>
          // Checked only on failure: the plan of another version of mill is not damaged.
          Effect.flatMap(readPlanVersion(runId), (found) =>
            found === undefined || found === planVersion
              ? Effect.void
              : new StoreError({
                  path,
                  message: `${path} has plan version ${found}; this version of mill reads version ${planVersion}`,
                }),
          ),
        )
      })
      const result = Effect.fn("RunStore.result")((runId: RunId) =>
        read(paths(runId).resultFile, decodeResult),
      )

      const snapshot = (runId: RunId) =>
        isOwnRunId(runId)
          ? Effect.orElseSucceed(read(paths(runId).runFile, decodeRecord), () => undefined)
          : provideFs(readOlderRecord(runId, paths(runId)))

      const endedRecord = (runId: RunId) =>
        Effect.map(snapshot(runId), (record) =>
          record !== undefined && isTerminalStatus(record.status) ? record : undefined,
        )

      const writeRecord = Effect.fn("RunStore.writeRecord")(function* (facts: RunFacts, state: RunState) {
        const at = paths(facts.id)
        const written = makeRunRecord(facts, at, state)
        yield* writeAtomically(at.runFile, `${JSON.stringify(written)}\n`)
        return written
      }, provideFs)

      const writeResult = Effect.fn("RunStore.writeResult")(
        (value: RunResult) => writeAtomically(paths(value.runId).resultFile, `${JSON.stringify(value)}\n`),
        provideFs,
      )

      const entries = fs.readDirectory(runsDir).pipe(
        Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed<Array<string>>([])),
        Effect.catchTag("PlatformError", (error) => Effect.fail(toStoreError(runsDir, "read")(error))),
      )
      const names = Effect.map(entries, (found) => found.filter(isOwnRunId).sort().reverse())
      const others = Effect.map(entries, (found) => {
        // Hidden files belong to file managers and editors, or are runs being created.
        const rest = found.filter((name) => !isOwnRunId(name) && !name.startsWith("."))
        const older = rest.filter(mayBeOlder)
        return { older, unknown: rest.length - older.length }
      })

      return RunStore.of({
        paths,
        exists,
        create,
        plan,
        hasOtherPlanVersion: (runId) =>
          Effect.map(readPlanVersion(runId), (version) => version !== undefined && version !== planVersion),
        snapshot,
        endedRecord,
        result,
        writeRecord,
        writeResult,
        names,
        others,
      })
    }),
  )
}
