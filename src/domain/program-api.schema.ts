/**
 * What a program has and may rely on, for those who write one without having seen mill: the names come from the schemas
 * that mill itself goes by, the sentences are said here once.
 */
import { Schema } from "effect"
import { SpawnFailure } from "./host-protocol.schema.ts"
import { FailedSpawnResult, SpawnOptions, SpawnResult } from "./spawn.schema.ts"

type Fields = Readonly<Record<string, Schema.Top>>

/** The names of fields, in their order. */
export const listFields = (fields: Fields): ReadonlyArray<string> => Object.keys(fields)

const isOptional = (field: Schema.Top): boolean => field.ast.context?.isOptional === true

const namesWhere = (fields: Fields, optional: boolean): ReadonlyArray<string> =>
  listFields(fields).filter((name) => fields[name] !== undefined && isOptional(fields[name]) === optional)

/** Why a spawn fails, as a `MillSpawnError`'s `cause` has it. */
const causes: Readonly<Record<SpawnFailure["cause"], string>> = {
  "agent-error": "the agent said that it failed, for example because its model was overloaded or is unknown",
  exit: "the agent exited with another code than 0",
  signal: "the agent was killed",
  codec: "the agent said nothing that could be understood as an answer, or cannot be asked that",
  "not-found": "the agent could not be started",
  timeout: "the agent took longer than it may",
  "worker-lost": "the process that looked after the run is gone",
  cancelled: "the run was cancelled, or ended before the agent did",
  "invalid-input": "a field was missing, empty or no string; nothing was started",
  "run-ending": "the run is ending, and starts nothing any more",
}

/** A successful spawn has no error to tell of. */
const resultFields = listFields(SpawnResult.fields).filter((name) => name !== "errorMessage")

export const ProgramApi = Schema.Struct({
  /** The fields that `mill.spawn` needs, those that it takes besides, and those of what it gives. */
  spawnRequired: Schema.Array(Schema.String),
  spawnOptional: Schema.Array(Schema.String),
  resultFields: Schema.Array(Schema.String),
  /** Everything of the global `mill`, by name. */
  globals: Schema.Record(Schema.String, Schema.String),
  /** How a program gives its result. */
  result: Schema.String,
  /** What the promise of a failed spawn is rejected with. */
  error: Schema.Struct({
    name: Schema.String,
    fields: Schema.Array(Schema.String),
    causes: Schema.Record(Schema.String, Schema.String),
    resultFields: Schema.Array(Schema.String),
  }),
  rules: Schema.Array(Schema.String),
  /** The TypeScript declarations of all that, and the file that the example expects them in. */
  types: Schema.String,
  typesFile: Schema.String,
  /** A whole program, and how to rehearse it. */
  example: Schema.Struct({ file: Schema.String, source: Schema.String, rehearse: Schema.String }),
})
export type ProgramApi = typeof ProgramApi.Type

/** All of it but what depends on the package and the place. */
export const programApi: Omit<ProgramApi, "types" | "typesFile" | "example"> = {
  spawnRequired: namesWhere(SpawnOptions.fields, false),
  spawnOptional: namesWhere(SpawnOptions.fields, true),
  resultFields,
  globals: {
    "mill.spawn":
      "takes { agent, systemPrompt, prompt, model }, runs one agent to its end, and promises its result. agent is a name of your own choice, systemPrompt says who the agent is, prompt what it is to do, model which model does it. sessionRef, which may be absent, is that of an earlier answer of the same driver.",
    "mill.args": "has what followed -- on the command line: an array of strings",
    "mill.run": "has this run's id, cwd (where `mill run` was called) and metadata (from --meta)",
    "mill.log": "takes a message and writes it to the run's event log, for whoever follows the run",
  },
  result:
    "A program's result is its default export, or what a top-level return gives. It must be JSON; the run's result has it as programResult.",
  error: {
    name: SpawnFailure.identifier,
    fields: listFields(SpawnFailure.fields).filter((name) => name !== "_tag"),
    causes,
    resultFields: listFields(FailedSpawnResult.fields),
  },
  rules: [
    "mill is a global: a program imports nothing for it. Top-level await works.",
    "All fields of mill.spawn are non-empty strings.",
    "Spawns run at the same time unless you await one before the next: use Promise.all.",
    "An agent knows nothing but its systemPrompt and prompt, and the files of the folder where `mill run` was called; it remembers no other spawn, unless sessionRef is that of an earlier answer, whose conversation it then goes on with. Put into prompt what else it needs from earlier answers.",
    "A failed spawn rejects with a MillSpawnError. Catch it to go on; when nothing catches it, the run fails and names the line.",
    "A field that is absent from usage is unknown, not zero.",
    "Spawns that nobody awaits are waited for, and their failure fails the run.",
    "process.exit(0) ends the run as complete and cancels what still runs; any other code fails it. Standard input is empty.",
    "What a program prints is not kept: give a result, or use mill.log.",
    "Everything that a run depends on is frozen when it is submitted: editing a file changes nothing about runs under way.",
  ],
}
