/**
 * Decides which files a sandboxed program can read: its frozen sources, at their own paths; the other files that they
 * import; the `node_modules` directories from theirs upward, if they import packages; and what the configuration adds.
 * The files alongside them are not visible, nor are imports whose names are computed at run time.
 */
import { Effect, FileSystem, Path } from "effect"
import type { Plan, PlanSource } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { pathExists } from "../files/files.effect.ts"
import { sourceFile } from "../store/run-paths.ts"
import { inside, isWithin, type Mount, scratch } from "./sandbox.ts"

/** Lists a directory and those that contain it, from the innermost on. */
export const listAncestors = (folder: string, paths: Path.Path): ReadonlyArray<string> =>
  folder === "/" ? ["/"] : [folder, ...listAncestors(paths.dirname(folder), paths)]

/** The name of the package that a specifier imports from: `@scope/name/file` from `@scope/name`. */
const parsePackage = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

const unique = (paths: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(paths)]

/** Finds the directories in which Bun would look for the packages that a source imports. */
const findPackageFolders = Effect.fnUntraced(function* ({ packages = [], path }: PlanSource) {
  if (packages.length === 0) return []
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folders = yield* Effect.filter(
    listAncestors(paths.dirname(path), paths).map((folder) => paths.join(folder, "node_modules")),
    // A link with this name would show whatever it leads to.
    (folder) =>
      fs.realPath(folder).pipe(
        Effect.map((real) => real.endsWith("/node_modules")),
        Effect.orElseSucceed(() => false),
      ),
  )
  const names = unique(packages.map(parsePackage))
  const wanted = folders.flatMap((folder) => names.map((name) => `${folder}/${name}`))
  // No directory is needed when all packages are built into Bun.
  return (yield* Effect.findFirst(wanted, pathExists))._tag === "Some" ? folders : []
})

/** Lists imported files that are not frozen sources, such as a `.wasm`: they are read in place. */
const listAssets = (sources: ReadonlyArray<PlanSource>): ReadonlyArray<string> => {
  const frozen = new Set(sources.map(({ path }) => path))
  return unique(sources.flatMap(({ imports = {} }) => Object.values(imports))).filter(
    (path) => path.startsWith("/") && !frozen.has(path),
  )
}

/** Drops the directories that are inside others. */
const keepOutermost = (folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  unique(folders).filter((folder) => !folders.some((other) => other !== folder && isWithin(folder, other)))

/** Resolves links if the path exists. Comparing or mounting a path by another name could show what is hidden. */
const resolveLinks = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.orElseSucceed(fs.realPath(path), () => path)
})

/** Makes the view of a plan's program. The directories in `secret` are hidden wherever a mount would show them. */
export const makeSandboxView = Effect.fn("Sandbox.view")(function* (
  plan: Plan,
  paths: RunPaths,
  readable: ReadonlyArray<string>,
  secret: ReadonlyArray<string>,
) {
  const { dirname } = yield* Path.Path
  const packages = yield* Effect.forEach(plan.program, findPackageFolders)
  const whole = unique([...readable, ...packages.flat()])
  const real = new Map(
    yield* Effect.forEach(whole, (path) => Effect.map(resolveLinks(path), (to) => [path, to] as const)),
  )
  const secrets = unique(yield* Effect.forEach(secret, resolveLinks))
  // Hidden under each name under which a mount would show them.
  const hidden = whole.flatMap((path) => {
    const from = real.get(path) ?? path
    return secrets.flatMap((folder) =>
      isWithin(folder, from) ? [`${path}${folder.slice(from.length)}`] : isWithin(from, folder) ? [path] : [],
    )
  })
  const isShown = (path: string) => whole.some((folder) => isWithin(path, folder))
  const sources = plan.program
    .filter(({ path }) => !isShown(path))
    .map(({ path, sha256 }): Mount => ({ from: sourceFile(paths, sha256), at: path }))
  const others = yield* Effect.filter(
    [...listAssets(plan.program).filter((path) => !isShown(path)), ...whole],
    pathExists,
  )
  const loaded = unique(plan.program.map(({ loadAs, sha256 }) => loadAs ?? sha256))
  const mounts: ReadonlyArray<Mount> = [
    ...sources,
    ...others.map((path) => ({ from: real.get(path) ?? path, at: path })),
    ...loaded.map((sha256) => ({ from: sourceFile(paths, sha256), at: `${inside}/sources/${sha256}` })),
  ]
  const folders = [plan.invocation.cwd, ...sources.map(({ at }) => dirname(at))]
  return {
    mounts,
    folders: keepOutermost(
      folders.filter((folder) => folder !== "/" && folder !== scratch && !isShown(folder)),
    ),
    hidden: keepOutermost(hidden),
  }
})
