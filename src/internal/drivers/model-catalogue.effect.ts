/**
 * Which models a driver's agent has: asked of the agent's own command where its codec says how, otherwise the codec's
 * list. Asking never takes long and never fails: what goes wrong is told beside the codec's list.
 */
import { Duration, Effect, FileSystem, Option, Path } from "effect"
import type { ProcessDriverConfig } from "../../domain/config.schema.ts"
import type { DiscoveredDriver } from "../../domain/discovery.schema.ts"
import type { ModelListing } from "../../domain/driver.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { startProcess } from "../process/process-group.effect.ts"
import type { ProcessExit } from "../process/process-starter.effect.ts"
import { reasonOf } from "../files/files.effect.ts"
import { makeTail } from "./tail.ts"

/** How long the command may take, and how long it may take to end when it is told to. */
const deadline = Duration.seconds(3)
const grace = Duration.millis(200)

/** More than any list of models has. */
const maxBytes = 1024 * 1024

export type Catalogue = Pick<DiscoveredDriver, "models" | "modelsFrom" | "modelsProblem">

/** The texts of the files that there are, by the names that the codec has for them. */
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

const ended = (exit: ProcessExit): string =>
  exit._tag === "Code" ? `exited with ${exit.code}` : `was ended by ${exit.signal}`

const ask = Effect.fnUntraced(function* (
  listing: ModelListing,
  driver: ProcessDriverConfig,
  command: string,
) {
  const { cwd } = yield* Settings
  const folder = driver.cwd ?? cwd
  const stdout = makeTail(maxBytes)
  const { exit } = yield* startProcess({
    command,
    args: [...(driver.args ?? []), ...listing.args],
    cwd: folder,
    env: { ...driver.env, ...listing.env },
    grace,
    onStdout: (chunk) => Effect.sync(() => stdout.push(chunk)),
    onStderr: () => Effect.void,
  }).pipe(Effect.mapError(reasonOf))
  const how = yield* exit
  if (how._tag !== "Code" || how.code !== 0) return yield* Effect.fail(ended(how))
  const files = yield* readFiles(listing.files ?? [], folder)
  const models = yield* Effect.try({
    try: () => listing.decode(stdout.text(), files),
    catch: (error) => `its answer could not be read: ${String(error)}`,
  })
  return models.length === 0 ? yield* Effect.fail("named no model") : models
}, Effect.scoped)

/** The models of a driver whose executable is `command`. */
export const askForModels = Effect.fn("Drivers.askForModels")(function* (
  driver: ProcessDriverConfig,
  command: string,
) {
  const { listModels, models } = driver.codec
  const known: Catalogue = { models, modelsFrom: "known" }
  if (listModels === undefined) return known
  return yield* ask(listModels, driver, command).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => Effect.fail(`did not answer within ${Duration.toSeconds(deadline)} s`),
    }),
    Effect.map((answer): Catalogue => ({ models: answer, modelsFrom: "agent" })),
    Effect.catch((problem) =>
      Effect.succeed<Catalogue>({
        ...known,
        modelsProblem: `${[driver.command, ...(driver.args ?? []), ...listModels.args].join(" ")} ${problem}`,
      }),
    ),
  )
})
