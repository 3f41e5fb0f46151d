/** Describes the errors of an HTTP exchange: answers with an error status, and failed connections. */
import { Effect, Stream } from "effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { readErrorBody } from "../../codecs/http.codec.ts"
import { readSystemCode } from "../../domain/error.schema.ts"
import type { Redactor } from "./redactor.ts"

/** How much of the body of an HTTP error is read, in bytes. */
const errorBodyBytes = 64 * 1024

/** Describes an answer whose status is not a success, with the message in its body. */
export const describeErrorResponse = Effect.fnUntraced(function* (
  { headers, status, stream }: HttpClientResponse,
  redact: Redactor,
) {
  if (status < 400) {
    const location = (headers["location"] ?? "").replace(/[?#].*/, "") || "another location"
    return `HTTP ${status}: the server redirects to ${location}, but mill does not follow redirects; correct the driver's url`
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
  // Redacted before it is cut, as a cut could leave half a key.
  const problem = readErrorBody(redact.text(body))
  return problem === "" ? `HTTP ${status}` : `HTTP ${status}: ${problem}`
})

/** Codes of Bun and Node for servers that could not be reached. */
const unreachableCodes = /refused|notfound|eai_again|failedtoopensocket|unreach|cert|tls|ssl|dns|timedout/i

/** Describes why a connection failed, and whether the server could not be reached at all. */
export const describeConnectionError = ({ reason }: HttpClientError) => {
  const { cause } = reason
  const code = readSystemCode(cause) ?? ""
  const message = cause instanceof Error ? cause.message : ""
  return { problem: code || message || reason._tag, unreachable: unreachableCodes.test(code) }
}
