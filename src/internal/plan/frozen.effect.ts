/** Reads frozen sources from a run's directory. */
import { Effect, FileSystem } from "effect"
import type { PlanSource } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { toStoreError } from "../files/files.effect.ts"
import { sourceFile } from "../store/run-paths.ts"

export const readFrozen = Effect.fnUntraced(function* (paths: RunPaths, sha256: string) {
  const file = sourceFile(paths, sha256)
  return yield* Effect.mapError(
    (yield* FileSystem.FileSystem).readFileString(file),
    toStoreError(file, "read"),
  )
})

/** The contents of the sources that a plan names, in its order. */
export const readSources = (paths: RunPaths, sources: ReadonlyArray<PlanSource>) =>
  Effect.forEach(sources, ({ asText, format, imports = {}, importTypes, path, sha256 }) =>
    Effect.map(readFrozen(paths, sha256), (contents) => ({
      path,
      contents,
      imports,
      importTypes,
      asText,
      format,
    })),
  )
