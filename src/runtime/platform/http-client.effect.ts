/** The HTTP client of a run's worker. No other process of mill sends requests, and none else loads this. */
import { Layer } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"

/**
 * A redirection is an answer like any other: following it would carry keys to wherever it leads. Bun would give up on a
 * server that is silent for five minutes; how long to wait is for the configuration to say.
 */
const requests: RequestInit & { readonly timeout: false } = { redirect: "manual", timeout: false }

export const httpClient = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, FetchHttpClient.RequestInit.of(requests))),
)
