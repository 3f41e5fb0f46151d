/**
 * The discovery payload, which `mill --help --json` prints: enough to write, check and submit a program without having
 * seen anything else of mill. Fields may be added; none is renamed or retyped while `discoveryVersion` is 1.
 */
import { Schema } from "effect"
import { MillEvent } from "./event.schema.ts"
import {
  ConfigError,
  LaunchError,
  ProgramError,
  RunNotFound,
  StoreError,
  UsageError,
  WaitTimeout,
} from "./error.schema.ts"
import { FunctionDoc } from "./extension.schema.ts"
import { listFields, ProgramApi } from "./program-api.schema.ts"
import { RunRecord, RunResult, SubmittedRun } from "./run.schema.ts"
import { FailedSpawnResult, SpawnResult, SpawnSummary, Usage } from "./spawn.schema.ts"

const optionalString = Schema.optional(Schema.String)
const Strings = Schema.Array(Schema.String)

export const DiscoveredDriver = Schema.Struct({
  description: Schema.String,
  modelFormat: Schema.String,
  models: Strings,
  /** `agent`: it was asked for its models just now; `known`: the list is the one that mill has, and may be incomplete. */
  modelsFrom: Schema.Literals(["agent", "known"]),
  /** Why the agent's own list could not be had. */
  modelsProblem: optionalString,
  /** Whether runs use it when --driver says nothing. */
  default: Schema.Boolean,
  /** Of a driver that starts a command. */
  command: optionalString,
  /** Of a driver that asks an HTTP API: where its requests go. */
  url: optionalString,
  /** Whether the command was found, or the environment variables with the API's keys are set. */
  available: Schema.Boolean,
})
export type DiscoveredDriver = typeof DiscoveredDriver.Type

export const DiscoveredExtension = Schema.Struct({
  name: Schema.String,
  description: optionalString,
  /** What a program calls as `mill.<extension>.<function>`. */
  functions: Schema.Record(Schema.String, FunctionDoc),
})
export type DiscoveredExtension = typeof DiscoveredExtension.Type

const Problem = Schema.Struct({ message: Schema.String, hint: optionalString })

/** What is wrong with the configuration; what else the payload says holds without it. */
export const ConfigProblem = Schema.Struct({ ...Problem.fields, path: optionalString, key: optionalString })
export type ConfigProblem = typeof ConfigProblem.Type

const ExitCode = Schema.Struct({
  meaning: Schema.String,
  /** The `_tag`s of errors that end a command so. */
  errors: Strings,
})

/** All that does not depend on how the command line is laid out. */
export const DiscoveryFacts = Schema.Struct({
  discoveryVersion: Schema.Literal(1),
  mill: Schema.String,
  programApi: ProgramApi,
  drivers: Schema.Record(Schema.String, DiscoveredDriver),
  executors: Schema.Record(
    Schema.String,
    Schema.Struct({ description: Schema.String, default: Schema.Boolean }),
  ),
  /** What a run here uses unless it is told otherwise; `problem` says why it could not start as it is. */
  defaults: Schema.Struct({
    driver: optionalString,
    executor: Schema.String,
    problem: Schema.optional(Problem),
  }),
  authoring: Schema.Struct({ instructions: Schema.String }),
  extensions: Schema.Array(DiscoveredExtension),
  async: Schema.Struct({ submit: Schema.String, status: Schema.String, wait: Schema.String }),
  config: Schema.optional(Schema.Struct({ path: Schema.String })),
  configError: Schema.optional(ConfigProblem),
  exitCodes: Schema.Record(Schema.String, ExitCode),
  /** The fields of what commands print, by name; a field may be absent where it does not apply. */
  records: Schema.Record(Schema.String, Strings),
  /** The types of a run's events and the fields of their payloads. */
  events: Schema.Record(Schema.String, Strings),
})
export type DiscoveryFacts = typeof DiscoveryFacts.Type

const DescribedParameter = {
  name: Schema.String,
  type: Schema.String,
  required: Schema.Boolean,
  description: Schema.String,
}
export const DescribedFlag = Schema.Struct({ ...DescribedParameter, aliases: Strings })
export type DescribedFlag = typeof DescribedFlag.Type

export const DescribedCommand = Schema.Struct({
  description: Schema.String,
  usage: Schema.String,
  arguments: Schema.Array(Schema.Struct({ ...DescribedParameter, variadic: Schema.Boolean })),
  flags: Schema.Array(DescribedFlag),
  examples: Schema.Array(Schema.Struct({ command: Schema.String, description: Schema.String })),
  /** What it prints on standard output with --json. */
  json: optionalString,
})
export type DescribedCommand = typeof DescribedCommand.Type

/** The commands, and the flags that may stand with any of them. */
export const CommandLineDoc = Schema.Struct({
  commands: Schema.Record(Schema.String, DescribedCommand),
  globalFlags: Schema.Array(DescribedFlag),
})
export type CommandLineDoc = typeof CommandLineDoc.Type

export const Discovery = Schema.Struct({ ...DiscoveryFacts.fields, ...CommandLineDoc.fields })
export type Discovery = typeof Discovery.Type

/** How to submit a run, to look at it and to wait for its end without standing by. */
export const asyncCommands: DiscoveryFacts["async"] = {
  submit: "mill run <program.ts> --json",
  status: "mill status <runId> --json",
  wait: "mill wait <runId> --timeout 30 --json",
}

const errors = [UsageError, ConfigError, ProgramError, RunNotFound, WaitTimeout, StoreError, LaunchError]

const meanings: Readonly<Record<number, string>> = {
  0: "Done. For run --sync, wait and watch --run: the run is complete.",
  1: "The run failed, or the command did.",
  2: "The command line, the configuration or the program cannot be used; nothing was started.",
  3: "There is no such run.",
  124: "The time of wait is up; the run goes on.",
  130: "The run was cancelled, or the command was interrupted.",
}

/** What a command's exit code says, and which errors have it. */
export const exitCodes: DiscoveryFacts["exitCodes"] = Object.fromEntries(
  Object.entries(meanings).map(([code, meaning]) => [
    code,
    {
      meaning,
      errors: errors
        .filter(({ fields }) => String(fields.exitCode.schema.literal) === code)
        .map(({ identifier }) => identifier),
    },
  ]),
)

export const records: DiscoveryFacts["records"] = {
  SubmittedRun: listFields(SubmittedRun.fields),
  RunRecord: listFields(RunRecord.fields),
  RunResult: listFields(RunResult.fields),
  SpawnResult: listFields(SpawnResult.fields),
  FailedSpawnResult: listFields(FailedSpawnResult.fields),
  SpawnSummary: listFields(SpawnSummary.fields),
  Usage: listFields(Usage.fields),
  Event: listFields(MillEvent.cases["run:start"].fields),
}

export const events: DiscoveryFacts["events"] = Object.fromEntries(
  Object.entries(MillEvent.cases).map(([type, { fields }]) => [type, listFields(fields.payload.fields)]),
)
