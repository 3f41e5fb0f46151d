/**
 * Lists the models of a driver's agent: the agent's own list if its codec knows how to ask for it, otherwise the codec's.
 * Asking has a short time limit and never fails; a problem is reported along with the codec's list.
 */
import { Duration, Effect, FileSystem, Option, Path } from "effect"
import { ChildProcess, CommandLine } from "effect/process"
import type { ProcessDriverConfig } from "../../domain/config.schema.ts"
import type { DiscoveredDriver } from "../../domain/discovery.schema.ts"
import type { ModelListing } from "../../domain/driver.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import type { ProcessExit } from "../process/started-process.ts"
import { describeReason } from "../files/files.effect.ts"
import { makeTail } from "./tail.ts"

/** How long the command may run, and how long it may take to exit after SIGTERM. */
const timeout = Duration.seconds(3)
const grace = Duration.millis(200)

/** How much of the end of the output is read. No list of models is longer. */
const maxBytes = 1024 * 1024

export type Catalogue = Pick<DiscoveredDriver, "models" | "modelsFrom" | "modelsProblem">

/** Reads the files that exist, by the paths that the codec gives. */
const readFiles = Effect.fnUntraced(function* (paths: ReadonlyArray<string>, folder: string) {
  const fs = yield* FileSystem.FileSystem
  const { resolve } = yield* Path.Path
  const { userHome } = yield* Settings
  const texts: Record<string, string> = {}
  for (const path of paths) {
    const home = path.startsWith("~/") ? userHome : folder
    if (home === undefined) continue
    const text = yield* Effect.option(fs.readFileString(resolve(home, path.replace(/^~\//, ""))))
    if (Option.isSome(text)) texts[path] = text.value
  }
  return texts
})

const describeExit = (exit: ProcessExit): string =>
  exit._tag === "Code" ? `exited with code ${exit.code}` : `was killed by ${exit.signal}`

const listFromAgent = Effect.fnUntraced(function* (
  listing: ModelListing,
  driver: ProcessDriverConfig,
  command: string,
) {
  const { cwd } = yield* Settings
  const folder = driver.cwd ?? cwd
  const stdout = makeTail(maxBytes)
  const processes = yield* Processes
  const call = ChildProcess.make(command, [...(driver.args ?? []), ...listing.args], {
    cwd: folder,
    env: { ...driver.env, ...listing.env },
    extendEnv: true,
    stdin: "ignore",
  })
  const { exit } = yield* processes
    .start(call, {
      grace,
      onStdout: (chunk) => Effect.sync(() => stdout.push(chunk)),
      onStderr: () => Effect.void,
    })
    .pipe(Effect.mapError(describeReason))
  const how = yield* exit
  if (how._tag !== "Code" || how.code !== 0) return yield* Effect.fail(describeExit(how))
  const files = yield* readFiles(listing.files ?? [], folder)
  const models = yield* Effect.try({
    try: () => listing.decode(stdout.text(), files),
    catch: (error) => `printed a list of models that could not be parsed: ${String(error)}`,
  })
  return models.length === 0 ? yield* Effect.fail("listed no models") : models
}, Effect.scoped)

/** Lists the models of a driver whose executable is `command`. */
export const listModels = Effect.fn("Drivers.listModels")(function* (
  driver: ProcessDriverConfig,
  command: string,
) {
  const { listModels: listing, models } = driver.codec
  const known: Catalogue = { models, modelsFrom: "known" }
  if (listing === undefined) return known
  return yield* listFromAgent(listing, driver, command).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(`did not answer within ${Duration.toSeconds(timeout)} s`),
    }),
    Effect.map((answer): Catalogue => ({ models: answer, modelsFrom: "agent" })),
    Effect.catch((problem) =>
      Effect.succeed<Catalogue>({
        ...known,
        modelsProblem: `${CommandLine.display([driver.command, ...(driver.args ?? []), ...listing.args])} ${problem}`,
      }),
    ),
  )
})
