/** Evaluates the user's configuration with frozen sources; the runtime provides it, since it loads code. */
import { Context, type Effect } from "effect"
import type { ConfigError } from "../../domain/error.schema.ts"
import type { GraphFile } from "../sources/source-compiler.effect.ts"

export class ConfigLoader extends Context.Service<
  ConfigLoader,
  {
    /** The default export of the first of `files`, evaluated with these contents, whatever the disk holds by now. */
    readonly evaluate: (
      files: readonly [ConfigSource, ...ReadonlyArray<ConfigSource>],
    ) => Effect.Effect<unknown, ConfigError>
  }
>()("mill/internal/ConfigLoader") {}

/** A file of the configuration. */
export type ConfigSource = Pick<GraphFile, "path" | "contents" | "imports" | "asText">
