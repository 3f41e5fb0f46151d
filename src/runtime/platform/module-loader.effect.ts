/** Loads code on use: the user's configuration, and packages that few commands need. */
import { Effect, Result } from "effect"
import { ConfigError } from "../../domain/error.schema.ts"
import { evaluateModule } from "../bun/user-code.ts"

export const importParser = () => import("@babel/parser")

export const loadAcpSdk = Effect.promise(() => import("@agentclientprotocol/sdk"))

/** What a configuration throws, in one line. */
const formatThrown = (error: unknown): string =>
  Result.getOrElse(
    Result.try(() => (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ")),
    () => "it threw a value that cannot be printed",
  )

export const importModule = (path: string): Effect.Effect<unknown, ConfigError> =>
  Effect.tryPromise({
    try: (signal) => evaluateModule(path, signal),
    catch: (error) => new ConfigError({ path, message: `${path}: ${formatThrown(error)}` }),
  })
