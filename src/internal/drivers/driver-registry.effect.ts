/**
 * Which driver serves a run: the one that was asked for, the configuration's default, or the first of the known agents
 * that is installed. The built-in drivers are there without any configuration; one of the same name replaces them.
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
import { SourceCompiler } from "../sources/source-compiler.effect.ts"
import { readSecrets } from "./secret-headers.effect.ts"

/** The known agents, in the order in which they are looked for, and what makes their codecs in a configuration. */
const codecFactories = { claude: "claudeCodec", pi: "piCodec", codex: "codexCodec" }

/** The order in which installed agents are looked for when nothing says which to use. */
const preferred = Object.keys(codecFactories)

/** A driver that can be used: its executable was found. `because` is told when the choice was mill's. */
export type ChosenProcessDriver = {
  readonly type: "process"
  readonly name: string
  readonly config: ProcessDriverConfig
  readonly command: string
  readonly because?: string | undefined
}

/** A driver that can be used: the variables that it names are set. */
export type ChosenHttpDriver = {
  readonly type: "http"
  readonly name: string
  readonly config: HttpDriverConfig
  readonly because?: string | undefined
}
export type ChosenDriver = ChosenProcessDriver | ChosenHttpDriver

const builtIn = (self: { readonly command: string; readonly args: ReadonlyArray<string> }) =>
  new Map<string, ProcessDriverConfig>([
    ["claude", { type: "process", description: "Claude Code", command: "claude", codec: claudeCodec() }],
    ["pi", { type: "process", description: "pi", command: "pi", codec: piCodec() }],
    ["codex", { type: "process", description: "Codex", command: "codex", codec: codexCodec() }],
    [
      "offline",
      {
        type: "process",
        description:
          "Rehearses a program: answers at once, the same for ever, without any model, key or network",
        command: self.command,
        args: [...self.args, "_offline-agent"],
        codec: { ...jsonlCodec(), modelFormat: "any name: no model is asked", models: ["offline"] },
      },
    ],
  ])

/** All drivers by name: the built-in ones and the configuration's. */
export const driversOf = (config: MillConfig) =>
  Effect.map(
    Settings,
    ({ self }) => new Map<string, DriverConfig>([...builtIn(self), ...Object.entries(config.drivers ?? {})]),
  )

/** The path of a command, when it is on PATH. */
export const findCommand = Effect.fnUntraced(function* (command: string) {
  const compiler = yield* SourceCompiler
  const { cwd, searchPath } = yield* Settings
  return yield* compiler.which(command, { path: searchPath, cwd })
})

/** The known agents that are installed, and what makes their codecs, preferred ones first. */
export const installedAgents = Effect.gen(function* () {
  const agents: Array<{ readonly name: string; readonly codec: string }> = []
  for (const [name, codec] of Object.entries(codecFactories)) {
    if ((yield* findCommand(name)) !== undefined) agents.push({ name, codec })
  }
  return agents
})

/** The driver `name`, or the one to use when there is no name. */
export const chooseDriver = Effect.fn("Drivers.choose")(function* (
  config: MillConfig,
  name: string | undefined,
) {
  const drivers = yield* driversOf(config)
  const wanted = name ?? config.defaultDriver
  if (wanted !== undefined) {
    const driver = drivers.get(wanted)
    const key = name === undefined ? { key: "defaultDriver" } : {}
    if (driver === undefined)
      return yield* new ConfigError({ ...key, ...describeUnknown("driver", wanted, [...drivers.keys()]) })
    if (driver.type === "http") {
      yield* readSecrets(wanted, driver)
      return { type: "http", name: wanted, config: driver } satisfies ChosenDriver
    }
    const command = yield* findCommand(driver.command)
    if (command === undefined) {
      return yield* new ConfigError({
        ...key,
        message: driver.command.includes("/")
          ? `driver ${wanted}: there is no executable ${JSON.stringify(driver.command)}`
          : `driver ${wanted}: the command ${JSON.stringify(driver.command)} is not on PATH`,
        hint: "install it, or rehearse without it: --driver offline",
      })
    }
    return { type: "process", name: wanted, config: driver, command } satisfies ChosenDriver
  }
  for (const candidate of preferred) {
    const driver = drivers.get(candidate)
    // One of these names that is configured as an API is no agent to be found on PATH.
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
    message: `no agent was found on PATH: none of ${preferred.join(", ")} is installed`,
    hint: "install one, or rehearse without one: --driver offline",
  })
})
