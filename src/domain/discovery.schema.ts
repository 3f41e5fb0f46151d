/**
 * The discovery payload, which `mill --help --json` prints: everything an author needs to write, check and submit a
 * program. While `discoveryVersion` is 1, fields may be added, but no field is renamed or changes its type.
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
  /** The model of spawns that name none. Absent: the agent's own, or, for a driver with a `url`, each spawn must name one. */
  defaultModel: optionalString,
  /** `agent`: the agent just listed these models. `known`: mill's own list, which may be incomplete. */
  modelsFrom: Schema.Literals(["agent", "known"]),
  /** Why the agent could not list its models. */
  modelsProblem: optionalString,
  /** Whether runs use this driver when --driver is not given. */
  default: Schema.Boolean,
  /** The command that a process driver starts. */
  command: optionalString,
  /** The URL that an HTTP driver sends its requests to. */
  url: optionalString,
  /** Whether the command was found, or the environment variables for the API's keys are set. */
  available: Schema.Boolean,
})
export type DiscoveredDriver = typeof DiscoveredDriver.Type

export const DiscoveredExtension = Schema.Struct({
  name: Schema.String,
  description: optionalString,
  /** Functions that a program calls as `mill.<extension>.<function>`. */
  functions: Schema.Record(Schema.String, FunctionDoc),
})
export type DiscoveredExtension = typeof DiscoveredExtension.Type

const Problem = Schema.Struct({ message: Schema.String, hint: optionalString })

/** The problem with the configuration file. The rest of the payload describes mill without that file. */
export const ConfigProblem = Schema.Struct({ ...Problem.fields, path: optionalString, key: optionalString })
export type ConfigProblem = typeof ConfigProblem.Type

const ExitCode = Schema.Struct({
  meaning: Schema.String,
  /** The `_tag`s of the errors that exit with this code. */
  errors: Strings,
})

/** The payload without the description of the command line. */
export const DiscoveryFacts = Schema.Struct({
  discoveryVersion: Schema.Literal(1),
  mill: Schema.String,
  programApi: ProgramApi,
  drivers: Schema.Record(Schema.String, DiscoveredDriver),
  executors: Schema.Record(
    Schema.String,
    Schema.Struct({ description: Schema.String, default: Schema.Boolean }),
  ),
  /** The defaults for runs in this directory. `problem` explains why a run with these defaults could not start. */
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
  /** The field names of each record that commands print. Fields that do not apply are absent. */
  records: Schema.Record(Schema.String, Strings),
  /** The types of events in a run, with the field names of their payloads. */
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
  /** What the command prints to standard output with --json. */
  json: optionalString,
})
export type DescribedCommand = typeof DescribedCommand.Type

/** The commands and the flags that every command accepts. */
export const CommandLineDoc = Schema.Struct({
  commands: Schema.Record(Schema.String, DescribedCommand),
  globalFlags: Schema.Array(DescribedFlag),
})
export type CommandLineDoc = typeof CommandLineDoc.Type

export const Discovery = Schema.Struct({ ...DiscoveryFacts.fields, ...CommandLineDoc.fields })
export type Discovery = typeof Discovery.Type

/** Commands to submit a run in the background, check on it and wait for it. */
export const asyncCommands: DiscoveryFacts["async"] = {
  submit: "mill run <program.ts> --json",
  status: "mill status <runId> --json",
  wait: "mill wait <runId> --timeout 30 --json",
}

const errors = [UsageError, ConfigError, ProgramError, RunNotFound, WaitTimeout, StoreError, LaunchError]

const meanings: Readonly<Record<number, string>> = {
  0: "Success. For `run --sync`, `wait` and `watch --run`, the run completed.",
  1: "The run or the command failed.",
  2: "The command line, the configuration file or the program is invalid. No run was started.",
  3: "The run does not exist.",
  124: "`wait` timed out. The run continues.",
  130: "The run was cancelled, or the command was interrupted.",
}

/** The meaning of each exit code and the errors that cause it. */
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

/** The fields of the records that commands print. */
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

/** The payload fields of each event type. */
export const events: DiscoveryFacts["events"] = Object.fromEntries(
  Object.entries(MillEvent.cases).map(([type, { fields }]) => [type, listFields(fields.payload.fields)]),
)
