/** Checks the documented types of extension functions before they are written to files. */
import { Effect } from "effect"
import { ConfigError } from "../../domain/error.schema.ts"
import type { LoadedConfig } from "../config/config.effect.ts"
import { SourceCompiler } from "../sources/source-compiler.effect.ts"

/** Aliases that parse only if `type` is a complete type, with balanced brackets. */
const renderAliases = (type: string): string => `type Alone =\n${type}\ntype Enclosed = (\n${type}\n)\n`

/** Fails for a documented type that is not TypeScript. Runs ignore these types, so only their authors see this error. */
export const checkDocumentedTypes = Effect.fnUntraced(function* ({ config, sources }: LoadedConfig) {
  const { isTypeScript } = yield* SourceCompiler
  for (const [index, { docs = {} }] of (config.extensions ?? []).entries()) {
    for (const [name, { type }] of Object.entries(docs)) {
      if (type === undefined || (yield* isTypeScript(renderAliases(type)))) continue
      const key = `extensions.${index}.docs.${name}.type`
      const path = sources[0]?.path ?? "config"
      return yield* new ConfigError({
        path,
        key,
        message: `${path}: ${key} is ${JSON.stringify(type)}, which is not a TypeScript type`,
        hint: 'write a function type, for example "(title: string) => Promise<void>"',
      })
    }
  }
})
