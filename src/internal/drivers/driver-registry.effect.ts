/**
 * Chooses the driver of a run: the requested one, the configuration's default, or the first known agent that is installed.
 * The built-in drivers need no configuration; a configured driver of the same name replaces one.
 */
import { Effect } from "effect"
import { claudeCodec } from "../../codecs/claude.codec.ts"
import { codexCodec } from "../../codecs/codex.codec.ts"
import { jsonlCodec } from "../../codecs/jsonl.codec.ts"
import { piCodec } from "../../codecs/pi.codec.ts"
import type { DriverConfig, MillConfig, ProcessDriverConfig } from "../../domain/config.schema.ts"
import { ConfigError } from "../../domain/error.schema.ts"
import type { HttpDriverConfig } from "../../domain/http-config.schema.ts"
import { describeUnknown } from "../config/decode-config.ts"
import { Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { readSecrets } from "./secret-headers.effect.ts"

/** The known agents, in the order in which mill looks for them, with the factories of their codecs in a configuration. */
const codecFactories = { claude: "claudeCodec", pi: "piCodec", codex: "codexCodec" }

/** The names of the known agents, most preferred first. */
const knownAgents = Object.keys(codecFactories)

/**
 * A driver whose executable was found, or whose environment variables are set. `because` explains a choice that mill made.
 */
export type ChosenDriver = { readonly name: string; readonly because?: string | undefined } & (
  | { readonly type: "process"; readonly config: ProcessDriverConfig; readonly command: string }
  | { readonly type: "http"; readonly config: HttpDriverConfig }
)

const makeBuiltIns = (self: { readonly command: string; readonly args: ReadonlyArray<string> }) =>
  new Map<string, ProcessDriverConfig>([
    ["claude", { type: "process", description: "Claude Code", command: "claude", codec: claudeCodec() }],
    ["pi", { type: "process", description: "pi", command: "pi", codec: piCodec() }],
    ["codex", { type: "process", description: "Codex", command: "codex", codec: codexCodec() }],
    [
      "offline",
      {
        type: "process",
        description:
          "Tries out a program offline: gives the same answers every time, instantly, without a model, an API key or a network connection",
        command: self.command,
        args: [...self.args, "_offline-agent"],
        codec: { ...jsonlCodec(), modelFormat: "any name; no model is used", models: ["offline"] },
      },
    ],
  ])

/** Lists all drivers by name: the built-in ones and the configured ones. */
export const listDrivers = (config: MillConfig) =>
  Effect.map(
    Settings,
    ({ self }) =>
      new Map<string, DriverConfig>([...makeBuiltIns(self), ...Object.entries(config.drivers ?? {})]),
  )

export const findCommand = Effect.fnUntraced(function* (command: string) {
  const processes = yield* Processes
  const { cwd, searchPath } = yield* Settings
  return yield* processes.which(command, { path: searchPath, cwd })
})

/** Finds the known agents that are installed, most preferred first, with the factories of their codecs. */
export const findInstalledAgents = Effect.gen(function* () {
  const agents: Array<{ readonly name: string; readonly codec: string }> = []
  for (const [name, codec] of Object.entries(codecFactories)) {
    if ((yield* findCommand(name)) !== undefined) agents.push({ name, codec })
  }
  return agents
})

/** Chooses the driver `name`, or the best one when no name is given. */
export const chooseDriver = Effect.fn("Drivers.choose")(function* (
  config: MillConfig,
  name: string | undefined,
) {
  const drivers = yield* listDrivers(config)
  const wanted = name ?? config.defaultDriver
  if (wanted !== undefined) {
    const driver = drivers.get(wanted)
    const key = name === undefined ? "defaultDriver" : undefined
    if (driver === undefined)
      return yield* new ConfigError({ key, ...describeUnknown("driver", wanted, [...drivers.keys()]) })
    if (driver.type === "http") {
      yield* readSecrets(wanted, driver)
      return { type: "http", name: wanted, config: driver } satisfies ChosenDriver
    }
    const command = yield* findCommand(driver.command)
    if (command === undefined) {
      return yield* new ConfigError({
        key,
        message: driver.command.includes("/")
          ? `driver ${wanted}: no executable found at ${JSON.stringify(driver.command)}`
          : `driver ${wanted}: the command ${JSON.stringify(driver.command)} is not on PATH`,
        hint: "install it, or try the program offline: --driver offline",
      })
    }
    return { type: "process", name: wanted, config: driver, command } satisfies ChosenDriver
  }
  for (const candidate of knownAgents) {
    const driver = drivers.get(candidate)
    // A configured HTTP driver may have the name of a known agent.
    if (driver === undefined || driver.type !== "process") continue
    const command = yield* findCommand(driver.command)
    if (command !== undefined) {
      return {
        type: "process",
        name: candidate,
        config: driver,
        command,
        because: `found at ${command}`,
      } satisfies ChosenDriver
    }
  }
  return yield* new ConfigError({
    message: `no agent found on PATH; looked for ${knownAgents.join(", ")}`,
    hint: "install one of them, or try the program offline: --driver offline",
  })
})
