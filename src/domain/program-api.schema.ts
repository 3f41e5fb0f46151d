/** The program API as data, for authors who are new to mill. The field names come from mill's own schemas. */
import { Schema } from "effect"
import { SpawnFailure } from "./host-protocol.schema.ts"
import { FailedSpawnResult, SpawnOptions, SpawnResult } from "./spawn.schema.ts"

type Fields = Readonly<Record<string, Schema.Top>>

/** The names of fields, in order. */
export const listFields = (fields: Fields): ReadonlyArray<string> => Object.keys(fields)

const isOptional = (field: Schema.Top): boolean => field.ast.context?.isOptional === true

const listFieldsWhere = (fields: Fields, optional: boolean): ReadonlyArray<string> =>
  listFields(fields).filter((name) => fields[name] !== undefined && isOptional(fields[name]) === optional)

/** The causes of a `MillSpawnError`. */
const causes: Readonly<Record<SpawnFailure["cause"], string>> = {
  "agent-error": "the agent reported an error, for example an overloaded or unknown model",
  exit: "the agent exited with a nonzero code",
  signal: "the agent was killed by a signal",
  codec: "mill could not read the agent's answer, or the agent does not support the request",
  "not-found": "the agent could not be started",
  timeout: "the agent exceeded its timeout",
  "worker-lost": "the run's worker process died",
  cancelled: "the run was cancelled, or ended before the agent did",
  "invalid-input": "a field was missing, empty, unknown or not a string; no agent was started",
  "run-ending": "the run is shutting down and accepts no new spawns",
}

/** A successful spawn has no error message. */
const resultFields = listFields(SpawnResult.fields).filter((name) => name !== "errorMessage")

export const ProgramApi = Schema.Struct({
  /** The required and optional fields of `mill.spawn`, and the fields of its result. */
  spawnRequired: Schema.Array(Schema.String),
  spawnOptional: Schema.Array(Schema.String),
  resultFields: Schema.Array(Schema.String),
  /** The members of the global `mill`, by name. */
  globals: Schema.Record(Schema.String, Schema.String),
  /** How a program returns its result. */
  result: Schema.String,
  /** The error that rejects the promise of a failed spawn. */
  error: Schema.Struct({
    name: Schema.String,
    fields: Schema.Array(Schema.String),
    causes: Schema.Record(Schema.String, Schema.String),
    resultFields: Schema.Array(Schema.String),
  }),
  rules: Schema.Array(Schema.String),
  /** The TypeScript declarations of the API, and the file in which the example expects them. */
  types: Schema.String,
  typesFile: Schema.String,
  /** A complete program, and the command that tries it offline. */
  example: Schema.Struct({ file: Schema.String, source: Schema.String, rehearse: Schema.String }),
})
export type ProgramApi = typeof ProgramApi.Type

/** The parts of the API description that do not depend on the package or the working directory. */
export const programApi: Omit<ProgramApi, "types" | "typesFile" | "example"> = {
  spawnRequired: listFieldsWhere(SpawnOptions.fields, false),
  spawnOptional: listFieldsWhere(SpawnOptions.fields, true),
  resultFields,
  globals: {
    "mill.spawn":
      "takes { agent, systemPrompt, prompt, model }, runs an agent and resolves to its result. agent is a name of your choice, systemPrompt is the agent's role, prompt is its task, and model, which is optional, is the model to use; without it, the driver's default model is used. The optional sessionRef of an earlier result from the same driver resumes that conversation.",
    "mill.args": "is an array of the arguments after -- on the command line",
    "mill.run":
      "contains the run's id, its cwd (the working directory of `mill run`) and its metadata (from --meta)",
    "mill.log": "takes a message and writes it to the run's event log, which `mill watch` shows",
  },
  result:
    "A program's result is its default export, or the value of a top-level return. The result must be JSON; the run's result contains it as programResult.",
  error: {
    name: SpawnFailure.identifier,
    fields: listFields(SpawnFailure.fields).filter((name) => name !== "_tag"),
    causes,
    resultFields: listFields(FailedSpawnResult.fields),
  },
  rules: [
    "mill is a global: do not import it. Top-level await works.",
    "All fields of mill.spawn are non-empty strings. A spawn with an unknown field is rejected.",
    "Spawns run concurrently unless you await one before starting the next; use Promise.all to wait for several.",
    "An agent knows only its systemPrompt, its prompt and the files in the working directory of `mill run`. It remembers nothing from other spawns unless you pass the sessionRef of an earlier result, which resumes that conversation. In the prompt, include everything else that it needs from earlier answers.",
    "A failed spawn rejects with a MillSpawnError. Catch it to continue; an uncaught error fails the run, and mill reports the line that threw it.",
    "A field that is missing from usage is unknown, not zero.",
    "mill waits for spawns that the program does not await; if one of them fails, the run fails.",
    "process.exit(0) completes the run and cancels spawns that are still running; any other code fails the run. Standard input is empty.",
    "mill does not store a program's output: return a result or use mill.log.",
    "Everything that a run depends on is frozen when the run is submitted: editing a file does not affect runs in progress.",
  ],
}
