/** Frozen sources, as a run's folder holds them. */
import { Effect, FileSystem } from "effect"
import type { PlanSource } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { storeError } from "../store/files.effect.ts"
import { sourceFile } from "../store/run-paths.effect.ts"

/** The contents of the sources that a plan names, in its order. */
export const readSources = Effect.fnUntraced(function* (paths: RunPaths, sources: ReadonlyArray<PlanSource>) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.forEach(sources, ({ asText, imports = {}, path, sha256 }) => {
    const file = sourceFile(paths, sha256)
    return fs.readFileString(file).pipe(
      Effect.map((contents) => ({ path, contents, imports, ...(asText === undefined ? {} : { asText }) })),
      Effect.mapError(storeError(file, "read")),
    )
  })
})
