/** Evaluates the user's configuration from frozen sources. The runtime provides it, because it loads code. */
import { Context, type Effect } from "effect"
import type { ConfigError } from "../../domain/error.schema.ts"
import type { GraphFile } from "../sources/source-compiler.effect.ts"

export class ConfigLoader extends Context.Service<
  ConfigLoader,
  {
    /** Loads what evaluations need, so that a caller can do so while it waits for the sources. */
    readonly prepare: Effect.Effect<void>
    /** The default export of the first file, evaluated with these contents and not those on disk. */
    readonly evaluate: (
      files: readonly [ConfigSource, ...ReadonlyArray<ConfigSource>],
    ) => Effect.Effect<unknown, ConfigError>
  }
>()("mill/internal/ConfigLoader") {}

export type ConfigSource = Pick<
  GraphFile,
  "path" | "contents" | "imports" | "importTypes" | "asText" | "format"
> &
  Partial<Pick<GraphFile, "packages">>
