/**
 * The HTTP driver: an agent that is the API of a model. One request for each spawn, whose answer is read as it is streamed;
 * its conversation is kept in the run's folder, since such an API has no memory. Interrupting a spawn closes its
 * connection. Keys come from the environment, go into headers, and nowhere else: what is told of a request does not hold
 * them, even where the server repeats them.
 */
import type { FileSystem, Path } from "effect"
import { Duration, Effect, Redacted, Stream } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { errorIn } from "../../codecs/http.codec.ts"
import { milestone } from "../../codecs/line.codec.ts"
import type { AgentOutcome } from "../../domain/driver.schema.ts"
import { SpawnRefused, readSystemCode } from "../../domain/error.schema.ts"
import type { HttpCall, SessionMessage } from "../../domain/http-codec.schema.ts"
import type { HttpDriverConfig } from "../../domain/http-config.schema.ts"
import type { PlanHttpDriver } from "../../domain/plan.schema.ts"
import type { AgentReport } from "../../domain/spawn-verdict.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import type { RunStore } from "../store/run-store.effect.ts"
import { loadSession, saveSession } from "../store/sessions.effect.ts"
import { type AnswerPiece, makeAnswerReader } from "./answer-reader.effect.ts"
import type { Driver, DriverRequest } from "./driver.effect.ts"
import { isBusy, retryAfter, retryWhileBusy, ServerBusy, toldWait } from "./http-retry.effect.ts"
import { makeRedactor, type Redactor } from "./redact.effect.ts"
import { readSecrets, type SecretValues } from "./secret-headers.effect.ts"

/** How much of the body of an HTTP error is read, in bytes. */
const errorBodyBytes = 64 * 1024

/** The driver of a plan, with the codec and the values that its configuration and its environment give. */
export const makeHttpDriver = Effect.fnUntraced(function* (plan: PlanHttpDriver, config: HttpDriverConfig) {
  const { name } = plan
  const { millVersion } = yield* Settings
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const secrets = yield* readSecrets(name, config)
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path | RunStore>()
  const redact = makeRedactor(secrets)
  const refused = (cause: SpawnRefused["cause"], message: string) =>
    new SpawnRefused({ cause, message: redact.text(message) })

  const requestOf = ({ body, headers }: HttpCall) =>
    HttpClientRequest.post(plan.url, {
      headers: {
        accept: "text/event-stream, application/json",
        "user-agent": `mill/${millVersion}`,
        ...headers,
        ...literalHeaders(config),
        ...secretValues(secrets),
      },
    }).pipe(HttpClientRequest.bodyText(JSON.stringify(body), "application/json"))

  /** Asks once, and reads the answer to its end. */
  const exchange = Effect.fnUntraced(function* (spawn: DriverRequest, call: HttpCall) {
    const response = yield* client.execute(requestOf(call)).pipe(
      Effect.mapError((error) => {
        const { reason, unreachable } = connectionProblem(error)
        return refused(
          unreachable ? "not-found" : "agent-error",
          `driver ${name}: ${unreachable ? "cannot reach" : "lost the connection to"} ${plan.url}: ${reason}`,
        )
      }),
    )
    const { status } = response
    if (status >= 300) {
      const message = redact.text(yield* failureOf(response, redact))
      if (!isBusy(status)) return failed(message)
      return yield* new ServerBusy({ status, message, after: yield* retryAfter(response.headers) })
    }
    const reader = makeAnswerReader(config.codec, plan.maxLineBytes)
    const tell = ({ events, lines }: AnswerPiece) =>
      Effect.andThen(
        lines.length === 0 ? Effect.void : spawn.onLines("stdout", lines.map(redact.text)),
        events.length === 0 ? Effect.void : spawn.onEvents(events.map(redact.event)),
      )
    const trouble = yield* response.stream.pipe(
      Stream.mapEffect((chunk) => {
        const piece = reader.push(chunk)
        return Effect.as(tell(piece), piece.ended)
      }),
      Stream.takeUntil((ended) => ended),
      Stream.runDrain,
      Effect.as(undefined),
      Effect.catch((error: HttpClientError) =>
        Effect.succeed(
          error.reason._tag === "EmptyBodyError"
            ? `there was no answer (HTTP ${status})`
            : `the connection broke before the answer was complete: ${connectionProblem(error).reason}`,
        ),
      ),
    )
    yield* tell(reader.close())
    return redact.outcome(reader.outcome(trouble))
  }, Effect.scoped)

  const ask = Effect.fnUntraced(function* (spawn: DriverRequest) {
    const { prompt, sessionRef, ...input } = spawn.input
    const history =
      sessionRef === undefined ? [] : yield* Effect.provideContext(loadSession(sessionRef), context)
    const call = yield* Effect.fromResult(config.codec.encodeRequest({ ...input, prompt, history }))
    const { errorMessage, ...outcome } = yield* exchange(spawn, call).pipe(
      retryWhileBusy(plan.maxRetries, (message) => spawn.onEvents(milestone(message))),
      Effect.catchTag("ServerBusy", ({ after, message }) =>
        Effect.succeed(failed(after === undefined ? message : `${message} (retry after ${toldWait(after)})`)),
      ),
      // No spans, whose headers would be sent to the server.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    )
    if (errorMessage !== undefined) {
      return report({ ...outcome, errorMessage }, { overlongLines: 0 })
    }
    const said: ReadonlyArray<SessionMessage> = [
      ...history,
      { role: "user", content: prompt },
      // Not every server takes a message that says nothing.
      ...(outcome.text === "" ? [] : [{ role: "assistant", content: outcome.text } as const]),
    ]
    yield* Effect.provideContext(saveSession(spawn.runId, spawn.spawnId, said), context).pipe(
      // The answer is there all the same; going on with it will be refused.
      Effect.catchTag("StoreError", ({ message }) => Effect.logWarning(message)),
    )
    return report(outcome, { code: 0, overlongLines: 0 })
  })

  const run: Driver["run"] = Effect.fn("HttpDriver.run")(function* (spawn) {
    const { timeout } = plan
    if (timeout === undefined) return yield* ask(spawn)
    return yield* Effect.timeoutOrElse(ask(spawn), {
      duration: Duration.seconds(timeout),
      orElse: () => refused("timeout", `driver ${name}: there was no whole answer within ${timeout} s`),
    })
  })
  return { name, run } satisfies Driver
})

const failed = (errorMessage: string): AgentOutcome => ({ final: false, text: "", errorMessage })

const report = (outcome: AgentOutcome, exit: AgentReport["exit"]): AgentReport => ({
  outcome,
  exit,
  stderr: "",
})

const literalHeaders = ({ headers = {} }: HttpDriverConfig) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([header, value]) =>
      typeof value === "string" ? [[header.toLowerCase(), value]] : [],
    ),
  )

const secretValues = (secrets: SecretValues) =>
  Object.fromEntries(
    [...secrets].map(([header, value]) => {
      const text = Redacted.value(value)
      return [header, header === "authorization" && !/^\w+ /.test(text) ? `Bearer ${text}` : text]
    }),
  )

/** What the server says of an answer that is none. */
const failureOf = Effect.fnUntraced(function* (
  { headers, status, stream }: HttpClientResponse,
  redact: Redactor,
) {
  if (status < 400) {
    const location = (headers["location"] ?? "").replace(/[?#].*/, "")
    return `HTTP ${status}: the server redirects to ${location || "another place"}, which is not followed: correct the driver's url`
  }
  let left = errorBodyBytes
  const body = yield* stream.pipe(
    Stream.takeWhile((chunk) => {
      const wanted = left > 0
      left -= chunk.length
      return wanted
    }),
    Stream.decodeText,
    Stream.mkString,
    Effect.orElseSucceed(() => ""),
  )
  // Before it is cut, which may leave half a key.
  const said = errorIn(redact.text(body))
  return said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}`
})

/** Bun's and Node's codes for servers that could not be spoken to at all. */
const unreachableCodes = /refused|notfound|eai_again|failedtoopensocket|unreach|cert|tls|ssl|dns|timedout/i

const connectionProblem = (error: HttpClientError) => {
  const { reason } = error
  const { cause } = reason
  const code = readSystemCode(cause) ?? ""
  const told = cause instanceof Error ? cause.message : ""
  return { reason: code || told || reason._tag, unreachable: unreachableCodes.test(code) }
}
