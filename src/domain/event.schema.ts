/**
 * Tier-1 events: the lines of a run's `events.ndjson`, which is the source of truth about the run.
 *
 * A line with another schema version is a typed error. A line with an unknown type in this version is kept and marked, so
 * that an older reader can follow a newer run.
 */
import { Predicate, Result, Schema } from "effect"
import { IllegalLine, UnsupportedVersion } from "./error.schema.ts"
import { RunId, SpawnId, Timestamp } from "./ids.schema.ts"
import { RunFailureCause, RunResult, RunStatus } from "./run.schema.ts"
import { FailedSpawnResult, SpawnErrorCause, SpawnOptions, SpawnResult } from "./spawn.schema.ts"

/** The schema version of the lines that this mill writes and reads. */
export const schemaVersion = 1

const envelope = {
  schemaVersion: Schema.Literal(schemaVersion),
  runId: RunId,
  /** Counts from 1 without gaps. */
  sequence: Schema.Int,
  timestamp: Timestamp,
}

const event = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ ...envelope, type: Schema.tag(type), payload: Schema.Struct(fields) })

/** Any tier-1 event of this schema version. */
export const MillEvent = Schema.Union([
  event("run:start", {
    programPath: Schema.String,
    planId: Schema.String,
    parentRunId: Schema.optional(RunId),
    parentSpawnId: Schema.optional(SpawnId),
  }),
  event("run:status", {
    status: RunStatus,
    cancelling: Schema.optional(Schema.Boolean),
  }),
  event("run:log", { message: Schema.String }),
  event("run:complete", { result: RunResult }),
  event("run:failed", {
    message: Schema.String,
    cause: RunFailureCause,
    /** file:line:column in the user's own source. */
    location: Schema.optional(Schema.String),
  }),
  event("run:cancelled", { reason: Schema.optional(Schema.String) }),
  event("spawn:start", {
    spawnId: SpawnId,
    input: SpawnOptions,
    /** sha256 of the input's canonical JSON, in hexadecimal. */
    key: Schema.String,
    driver: Schema.String,
    /** The driver's default model, if the input names none and the spawn uses it. */
    defaultModel: Schema.optional(Schema.NonEmptyString),
  }),
  event("spawn:milestone", { spawnId: SpawnId, message: Schema.String }),
  event("spawn:tool_call", {
    spawnId: SpawnId,
    toolName: Schema.String,
    /** The tool's input as text, truncated to 2 KiB. JSON stays JSON. */
    input: Schema.optional(Schema.String),
  }),
  event("spawn:complete", { spawnId: SpawnId, result: SpawnResult }),
  event("spawn:error", {
    spawnId: SpawnId,
    message: Schema.String,
    cause: SpawnErrorCause,
    result: Schema.optional(FailedSpawnResult),
  }),
  event("spawn:cancelled", {
    spawnId: SpawnId,
    reason: Schema.optional(Schema.String),
    result: Schema.optional(FailedSpawnResult),
  }),
  event("extension:error", {
    extensionName: Schema.String,
    hook: Schema.Literals(["setup", "onEvent", "api"]),
    message: Schema.String,
  }),
]).pipe(Schema.toTaggedUnion("type"))
export type MillEvent = typeof MillEvent.Type

type BodyOf<E> = E extends { readonly type: infer Type; readonly payload: infer Payload }
  ? { readonly type: Type; readonly payload: Payload }
  : never

/** An event before the writer of the log has added its sequence number and time. */
export type EventBody = BodyOf<MillEvent>

export const isRunTerminal = MillEvent.isAnyOf(["run:complete", "run:failed", "run:cancelled"])
export const isSpawnTerminal = MillEvent.isAnyOf(["spawn:complete", "spawn:error", "spawn:cancelled"])

/** Types of events that must be on disk before anything acts on them. */
const durableTypes: ReadonlySet<string> = new Set<EventBody["type"]>([
  "run:start",
  "spawn:start",
  "spawn:complete",
  "spawn:error",
  "spawn:cancelled",
  "run:complete",
  "run:failed",
  "run:cancelled",
])
export const isDurable = (body: EventBody): boolean => durableTypes.has(body.type)

const UnknownEvent = Schema.Struct({ ...envelope, type: Schema.String, payload: Schema.Unknown })

/** A line of the log: an event of a known or an unknown type. */
export type LogEntry =
  | { readonly known: true; readonly event: MillEvent }
  | { readonly known: false; readonly event: typeof UnknownEvent.Type }

const decoders = new Map<string, (line: unknown) => Result.Result<MillEvent, Schema.SchemaError>>(
  Object.entries(MillEvent.cases).map(([type, schema]) => [type, Schema.decodeUnknownResult(schema)]),
)
const decodeUnknownType = Schema.decodeUnknownResult(UnknownEvent)

/** Encodes an event as a line of the log, without the line feed. The schemas have no transformations, so JSON suffices. */
export const encodeLogLine = (event: MillEvent): string => JSON.stringify(event)

/** Decodes a line of the log. `lineNumber` counts from 1 and appears in errors. */
export const decodeLogLine = (
  text: string,
  lineNumber: number,
): Result.Result<LogEntry, IllegalLine | UnsupportedVersion> =>
  Result.gen(function* () {
    const illegal = (reason: string) => new IllegalLine({ lineNumber, reason })
    const value = yield* Result.try({
      try: (): unknown => JSON.parse(text),
      catch: () => illegal("not JSON"),
    })
    if (!Predicate.isObject(value) || !("schemaVersion" in value) || !("type" in value)) {
      return yield* Result.fail(illegal("not an event"))
    }
    if (value.schemaVersion !== schemaVersion) {
      return yield* Result.fail(new UnsupportedVersion({ lineNumber, found: String(value.schemaVersion) }))
    }
    const decode = typeof value.type === "string" ? decoders.get(value.type) : undefined
    const fromSchemaError = (error: Schema.SchemaError) => illegal(firstLine(error.message))
    if (decode === undefined) {
      const event = yield* Result.mapError(decodeUnknownType(value), fromSchemaError)
      return { known: false, event } as const
    }
    return { known: true, event: yield* Result.mapError(decode(value), fromSchemaError) } as const
  })

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text

/** Decodes a line of an older version's log. An event whose fields differ from this version's becomes one of an unknown type. */
export const decodeOlderLine: typeof decodeLogLine = (text, lineNumber) =>
  Result.orElse(decodeLogLine(text, lineNumber), (error) =>
    Result.try({ try: (): unknown => JSON.parse(text), catch: () => error }).pipe(
      Result.flatMap((value) => Result.mapError(decodeUnknownType(value), () => error)),
      Result.map((event) => ({ known: false, event }) as const),
    ),
  )
