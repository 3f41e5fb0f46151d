/** The HTTP client of a run's worker. */
import { Layer } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"

/**
 * Redirects are not followed: following one would send API keys to another server. Bun's own timeout of five minutes is
 * off: the configuration sets the timeout.
 */
const requests: RequestInit & { readonly timeout: false } = { redirect: "manual", timeout: false }

export const httpClient = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, FetchHttpClient.RequestInit.of(requests))),
)
