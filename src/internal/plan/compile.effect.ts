/** Compiles a submission to a frozen plan: everything that the run will depend on, read once and hashed. */
import { Effect, FileSystem, Path } from "effect"
import { canonicalJson } from "../../domain/canonical-json.schema.ts"
import { defaultCancelGrace, defaultMaxLineBytes } from "../../domain/config.schema.ts"
import { ProgramError } from "../../domain/error.schema.ts"
import {
  type Invocation,
  type Plan,
  type PlanContent,
  type PlanSource,
  planVersion,
} from "../../domain/plan.schema.ts"
import type { LoadedConfig } from "../config/config.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import type { ChosenDriver } from "../drivers/driver-registry.effect.ts"
import type { ChosenExecutor } from "../executors/executor-registry.effect.ts"
import { reasonOf } from "../store/files.effect.ts"
import type { SourceContents } from "../store/run-store.effect.ts"
import { sha256 } from "./digest.effect.ts"
import { type GraphFile, SourceCompiler } from "./source-compiler.effect.ts"

/** A plan and the contents that it names. */
export type CompiledPlan = {
  readonly plan: Plan
  readonly program: string
  readonly contents: SourceContents
}

/** The levels of runs inside a run, when the configuration says nothing. */
export const defaultMaxRunDepth = 1

/** The absolute path of a program that can be read. */
export const findProgram = Effect.fnUntraced(function* (given: string) {
  const fs = yield* FileSystem.FileSystem
  const path = (yield* Path.Path).resolve((yield* Settings).cwd, given)
  const refuse = (message: string, hint?: string) =>
    new ProgramError({ path, message: `${given}: ${message}`, ...(hint === undefined ? {} : { hint }) })
  const info = yield* Effect.mapError(fs.stat(path), (error) => refuse(reasonOf(error)))
  if (info.type === "Directory") return yield* refuse("it is a folder", "name the program's file in it")
  if (info.type !== "File") return yield* refuse("it is no file that could be read to its end")
  if (!/\.[cm]?[jt]sx?$/.test(path)) return yield* refuse("it is not a TypeScript or JavaScript file")
  // One file, one path: stack traces and the bundler speak of the real one.
  return yield* Effect.mapError(fs.realPath(path), (error) => refuse(reasonOf(error)))
})

/** The plan of running the program at `programPath` (absolute). */
export const compilePlan = Effect.fn("Plan.compile")(function* (
  programPath: string,
  loaded: LoadedConfig,
  driver: ChosenDriver,
  executor: ChosenExecutor,
  invocation: Invocation,
) {
  const settings = yield* Settings
  const compiler = yield* SourceCompiler
  const contents = new Map<string, string>()

  const keep = Effect.fnUntraced(function* (text: string) {
    const digest = yield* sha256(text)
    contents.set(digest, text)
    return digest
  })
  const freeze = Effect.fnUntraced(function* (
    file: Pick<GraphFile, "path" | "contents" | "imports" | "wrapped">,
  ) {
    const source: PlanSource = { path: file.path, sha256: yield* keep(file.contents), imports: file.imports }
    if (file.wrapped === undefined) return source
    return { ...source, loadAs: yield* keep(file.wrapped.contents), columnShift: file.wrapped.columnShift }
  })

  const graph = yield* compiler.graph(programPath, { provided: [], asProgram: true })
  const { config } = driver
  const cancelGrace = loaded.config.cancelGrace ?? defaultCancelGrace
  const content: PlanContent = {
    planVersion,
    mill: settings.millVersion,
    bun: settings.bunVersion,
    programPath,
    program: yield* Effect.forEach(graph, freeze),
    config: yield* Effect.forEach(loaded.sources, freeze),
    driver: {
      name: driver.name,
      type: config.type,
      command: driver.command,
      args: config.args ?? [],
      codec: config.codec.name,
      env: Object.keys(config.env ?? {}).sort(),
      ...(config.cwd === undefined ? {} : { cwd: config.cwd }),
      maxLineBytes: config.maxLineBytes ?? defaultMaxLineBytes,
      cancelGrace: config.cancelGrace ?? cancelGrace,
      modelFormat: config.codec.modelFormat,
      models: config.codec.models,
    },
    executor: { name: executor.name, type: executor.config.type },
    limits: { maxRunDepth: loaded.config.maxRunDepth ?? defaultMaxRunDepth, cancelGrace },
  }
  const planId = yield* sha256(canonicalJson(content))
  const program = graph[0]?.contents ?? ""
  return { plan: { ...content, planId, invocation }, program, contents } satisfies CompiledPlan
})
