/** Whether the types that extensions tell of their functions are TypeScript, before they are written to files. */
import { Effect } from "effect"
import { ConfigError } from "../../domain/error.schema.ts"
import type { LoadedConfig } from "../config/config.effect.ts"
import { SourceCompiler } from "../sources/source-compiler.effect.ts"

/** A type that stands alone, and one that closes nothing that it has not opened. */
const asAliases = (type: string): string => `type Alone =\n${type}\ntype Enclosed = (\n${type}\n)\n`

/** Refuses types that no editor would understand. Runs do not look at them, so this is for those who tell them. */
export const checkDocumentedTypes = Effect.fnUntraced(function* ({ config, sources }: LoadedConfig) {
  const { isTypeScript } = yield* SourceCompiler
  for (const [index, { docs = {} }] of (config.extensions ?? []).entries()) {
    for (const [name, { type }] of Object.entries(docs)) {
      if (type === undefined || (yield* isTypeScript(asAliases(type)))) continue
      const key = `extensions.${index}.docs.${name}.type`
      const path = sources[0]?.path ?? "config"
      return yield* new ConfigError({
        path,
        key,
        message: `${path}: ${key} is ${JSON.stringify(type)}, which is no TypeScript type`,
        hint: 'for example "(title: string) => Promise<void>"',
      })
    }
  }
})
