/**
 * What a sandboxed program can read: its own sources as they were frozen, at their own paths; the other files that they
 * import; the `node_modules` folders from theirs upward, where they import packages; what the configuration adds. Not
 * what lies beside them, and not what they import by a name that is put together while they run.
 */
import { Effect, FileSystem } from "effect"
import type { Plan, PlanSource } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { sourceFile } from "../store/run-paths.ts"
import { inside, liesIn, type Mount, scratch } from "./sandbox.ts"

export type SandboxView = {
  readonly folders: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<Mount>
  readonly hidden: ReadonlyArray<string>
}

/** The folder that a path lies in. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/"

/** A folder and all that it lies in, from the innermost on. */
export const upward = (folder: string): ReadonlyArray<string> =>
  folder === "/" ? ["/"] : [folder, ...upward(folderOf(folder))]

/** The name of the package that a specifier is of: `@scope/name/file` is of `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

const unique = (paths: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(paths)]

/** The folders in which Bun would look for the packages that a source imports. */
const packageFolders = Effect.fnUntraced(function* ({ packages = [], path }: PlanSource) {
  if (packages.length === 0) return []
  const fs = yield* FileSystem.FileSystem
  const there = (folder: string) => Effect.orElseSucceed(fs.exists(folder), () => false)
  const folders = yield* Effect.filter(
    upward(folderOf(path)).map((folder) => `${folder === "/" ? "" : folder}/node_modules`),
    // A link by that name would show whatever it leads to.
    (folder) =>
      fs.realPath(folder).pipe(
        Effect.map((real) => real.endsWith("/node_modules")),
        Effect.orElseSucceed(() => false),
      ),
  )
  const names = unique(packages.map(packageOf))
  const wanted = folders.flatMap((folder) => names.map((name) => `${folder}/${name}`))
  // Where all are Bun's and Node's own, none is needed.
  return (yield* Effect.findFirst(wanted, there))._tag === "Some" ? folders : []
})

/** Files that are no sources, such as a `.wasm`: they are read where they lie. */
const assetsOf = (sources: ReadonlyArray<PlanSource>): ReadonlyArray<string> => {
  const frozen = new Set(sources.map(({ path }) => path))
  return unique(sources.flatMap(({ imports = {} }) => Object.values(imports))).filter(
    (path) => path.startsWith("/") && !frozen.has(path),
  )
}

/** The outermost of some folders. */
const outermost = (folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  unique(folders).filter((folder) => !folders.some((other) => other !== folder && liesIn(folder, other)))

/** Where a path leads, if anything is there. What is compared or mounted by another name could show what is hidden. */
const realPath = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.orElseSucceed(fs.realPath(path), () => path)
})

/** The view of a plan's program. `secret` are folders that nothing shows. */
export const sandboxView = Effect.fn("Sandbox.view")(function* (
  plan: Plan,
  paths: RunPaths,
  readable: ReadonlyArray<string>,
  secret: ReadonlyArray<string>,
) {
  const fs = yield* FileSystem.FileSystem
  const packages = yield* Effect.forEach(plan.program, packageFolders)
  const whole = unique([...readable, ...packages.flat()])
  const real = new Map(
    yield* Effect.forEach(whole, (path) => Effect.map(realPath(path), (to) => [path, to] as const)),
  )
  const secrets = unique(yield* Effect.forEach(secret, realPath))
  // By each of the names by which it would be seen.
  const hidden = whole.flatMap((path) => {
    const from = real.get(path) ?? path
    return secrets.flatMap((folder) =>
      liesIn(folder, from) ? [`${path}${folder.slice(from.length)}`] : liesIn(from, folder) ? [path] : [],
    )
  })
  const shown = (path: string) => whole.some((folder) => liesIn(path, folder))
  const sources = plan.program
    .filter(({ path }) => !shown(path))
    .map(({ path, sha256 }): Mount => ({ from: sourceFile(paths, sha256), at: path }))
  const others = yield* Effect.filter(
    [...assetsOf(plan.program).filter((path) => !shown(path)), ...whole],
    (path) => Effect.orElseSucceed(fs.exists(path), () => false),
  )
  const loaded = unique(plan.program.map(({ loadAs, sha256 }) => loadAs ?? sha256))
  const mounts: ReadonlyArray<Mount> = [
    ...sources,
    ...others.map((path) => ({ from: real.get(path) ?? path, at: path })),
    ...loaded.map((sha256) => ({ from: sourceFile(paths, sha256), at: `${inside}/sources/${sha256}` })),
  ]
  const folders = [plan.invocation.cwd, ...sources.map(({ at }) => folderOf(at))]
  return {
    mounts,
    folders: outermost(folders.filter((folder) => folder !== "/" && folder !== scratch && !shown(folder))),
    hidden: outermost(hidden),
  } satisfies SandboxView
})
