/**
 * The HTTP driver: runs a spawn as one request to a model's API, and reads the answer as it streams in. The conversation is
 * stored in the run's directory, because such an API does not keep it. Interrupting a spawn closes its connection.
 *
 * Keys come from the environment and go into headers. They are redacted from everything else, even where the server
 * repeats them.
 */
import type { FileSystem, Path } from "effect"
import { Duration, Effect, Redacted, Stream } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { makeMilestone } from "../../codecs/line.codec.ts"
import type { AgentOutcome } from "../../domain/driver.schema.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"
import type { HttpCall, SessionMessage } from "../../domain/http-codec.schema.ts"
import type { HttpDriverConfig } from "../../domain/http-config.schema.ts"
import type { PlanHttpDriver } from "../../domain/plan.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import type { RunStore } from "../store/run-store.effect.ts"
import { loadSession, saveSession } from "../store/sessions.effect.ts"
import { type AnswerPiece, makeAnswerReader } from "./answer-reader.ts"
import type { Driver, DriverRequest } from "./driver.effect.ts"
import { describeConnectionError, describeErrorResponse } from "./http-errors.effect.ts"
import {
  formatRequestedWait,
  isBusy,
  readRetryAfter,
  retryWhileBusy,
  ServerBusy,
} from "./http-retry.effect.ts"
import { makeRedactor } from "./redactor.ts"
import { readSecrets, type SecretValues } from "./secret-headers.effect.ts"

/** Makes the driver of a plan, with the codec of its configuration and the keys of the environment. */
export const makeHttpDriver = Effect.fnUntraced(function* (plan: PlanHttpDriver, config: HttpDriverConfig) {
  const { name } = plan
  const { millVersion } = yield* Settings
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const secrets = yield* readSecrets(name, config)
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path | RunStore>()
  const redact = makeRedactor(secrets)
  const refuse = (cause: SpawnRefused["cause"], message: string) =>
    new SpawnRefused({ cause, message: redact.text(message) })

  const makeRequest = ({ body, headers }: HttpCall) =>
    HttpClientRequest.post(plan.url, {
      headers: {
        accept: "text/event-stream, application/json",
        "user-agent": `mill/${millVersion}`,
        ...headers,
        ...readLiteralHeaders(config),
        ...toHeaders(secrets),
      },
    }).pipe(HttpClientRequest.bodyText(JSON.stringify(body), "application/json"))

  /** Sends the request once and reads the whole answer. */
  const exchange = Effect.fnUntraced(function* (spawn: DriverRequest, call: HttpCall) {
    const response = yield* client.execute(makeRequest(call)).pipe(
      Effect.mapError((error) => {
        const { problem, unreachable } = describeConnectionError(error)
        return refuse(
          unreachable ? "not-found" : "agent-error",
          `driver ${name}: ${unreachable ? "cannot reach" : "lost the connection to"} ${plan.url}: ${problem}`,
        )
      }),
    )
    const { status } = response
    if (status >= 300) {
      const message = redact.text(yield* describeErrorResponse(response, redact))
      if (!isBusy(status)) return makeFailure(message)
      return yield* new ServerBusy({ status, message, after: yield* readRetryAfter(response.headers) })
    }
    const reader = makeAnswerReader(config.codec, plan.maxLineBytes)
    spawn.offerReport(() => ({
      outcome: redact.outcome(reader.outcome("the request was abandoned")),
      exit: { overlongLines: 0 },
      stderr: "",
    }))
    const publish = ({ events, lines }: AnswerPiece) =>
      Effect.andThen(
        lines.length === 0 ? Effect.void : spawn.onLines("stdout", lines.map(redact.text)),
        events.length === 0 ? Effect.void : spawn.onEvents(events.map(redact.event)),
      )
    const interruption = yield* response.stream.pipe(
      Stream.mapEffect((chunk) => {
        const piece = reader.push(chunk)
        return Effect.as(publish(piece), piece.ended)
      }),
      Stream.takeUntil((ended) => ended),
      Stream.runDrain,
      Effect.as(undefined),
      Effect.catch((error: HttpClientError) =>
        Effect.succeed(
          error.reason._tag === "EmptyBodyError"
            ? `the answer was empty (HTTP ${status})`
            : `the connection was lost before the answer was complete: ${describeConnectionError(error).problem}`,
        ),
      ),
    )
    yield* publish(reader.close())
    return redact.outcome(reader.outcome(interruption))
  }, Effect.scoped)

  const converse = Effect.fnUntraced(function* (spawn: DriverRequest) {
    const { prompt, sessionRef, ...input } = spawn.input
    const session =
      sessionRef === undefined ? undefined : yield* Effect.provideContext(loadSession(sessionRef), context)
    const history = session?.messages ?? []
    // Another driver may not know the conversation's model.
    const ownModel = session?.driver === name ? session.model : undefined
    const asked = input.model ?? ownModel ?? config.defaultModel
    if (asked === undefined) {
      return yield* refuse(
        "codec",
        `model is missing, and driver ${name} has no defaultModel; name a model in mill.spawn, or set defaultModel in the driver's configuration`,
      )
    }
    const call = yield* Effect.fromResult(
      config.codec.encodeRequest({ ...input, model: asked, prompt, history }),
    )
    const {
      errorMessage,
      model = asked,
      ...rest
    } = yield* exchange(spawn, call).pipe(
      retryWhileBusy(plan.maxRetries, (message) => spawn.onEvents(makeMilestone(message))),
      Effect.catchTag("ServerBusy", ({ after, message }) =>
        Effect.succeed(
          makeFailure(
            after === undefined ? message : `${message} (retry after ${formatRequestedWait(after)})`,
          ),
        ),
      ),
      // No tracing, which would send its headers to the server.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    )
    const outcome = { ...rest, model }
    if (errorMessage !== undefined)
      return { outcome: { ...outcome, errorMessage }, exit: { overlongLines: 0 }, stderr: "" }
    const messages: ReadonlyArray<SessionMessage> = [
      ...history,
      { role: "user", content: prompt },
      // Some servers refuse an empty message.
      ...(outcome.text === "" ? [] : [{ role: "assistant", content: outcome.text } as const]),
    ]
    yield* Effect.provideContext(
      saveSession(spawn.runId, spawn.spawnId, { driver: name, model: asked, messages }),
      context,
    ).pipe(
      // The answer still counts; resuming the conversation will be refused.
      Effect.catchTag("StoreError", ({ message }) => Effect.logWarning(message)),
    )
    return { outcome, exit: { code: 0, overlongLines: 0 }, stderr: "" }
  })

  const run: Driver["run"] = Effect.fn("HttpDriver.run")(function* (spawn) {
    const { timeout } = plan
    if (timeout === undefined) return yield* converse(spawn)
    return yield* Effect.timeoutOrElse(converse(spawn), {
      duration: Duration.seconds(timeout),
      orElse: () => refuse("timeout", `driver ${name}: the answer was not complete within ${timeout} s`),
    })
  })
  /** A conversation keeps its own model. */
  const defaultModelFor: Driver["defaultModelFor"] = ({ model, sessionRef }) =>
    model !== undefined || sessionRef !== undefined ? undefined : config.defaultModel
  return { name, defaultModelFor, run } satisfies Driver
})

const makeFailure = (errorMessage: string): AgentOutcome => ({ final: false, text: "", errorMessage })

const readLiteralHeaders = ({ headers = {} }: HttpDriverConfig) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([header, value]) =>
      typeof value === "string" ? [[header.toLowerCase(), value]] : [],
    ),
  )

const toHeaders = (secrets: SecretValues) =>
  Object.fromEntries(
    [...secrets].map(([header, value]) => {
      const text = Redacted.value(value)
      return [header, header === "authorization" && !/^\w+ /.test(text) ? `Bearer ${text}` : text]
    }),
  )
