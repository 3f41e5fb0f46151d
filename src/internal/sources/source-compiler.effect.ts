/**
 * What the language tools must be able to do for a plan: find the local files that a module is made of, and tell where
 * it is wrong. The runtime provides it, since only Bun can say what Bun will run.
 */
import { Context, type Effect } from "effect"
import type { ProgramError } from "../../domain/error.schema.ts"

/**
 * A local file of a module graph. `imports` maps its specifiers to the absolute paths of other local files; `packages`
 * are what it imports from elsewhere.
 */
export type GraphFile = {
  readonly path: string
  readonly contents: string
  readonly imports: Readonly<Record<string, string>>
  readonly packages: ReadonlyArray<string>
  /** Imported as text, though its name does not say so. */
  readonly asText?: boolean | undefined
  /** There is no such file: it was made of an object. */
  readonly generated?: boolean | undefined
  /** How the entry is loaded when not as on disk: the same lines and, after `columnShift` on the first, columns. */
  readonly wrapped?: { readonly contents: string; readonly columnShift: number } | undefined
}

export class SourceCompiler extends Context.Service<
  SourceCompiler,
  {
    /**
     * The entry and every local file that it imports, the entry first. Fails with the location of a syntax error, or of
     * a static import that leads nowhere. `provided` are modules that mill itself will give, with what is in them.
     */
    readonly graph: (
      entry: string,
      options: { readonly provided: ReadonlyArray<string>; readonly asProgram: boolean },
    ) => Effect.Effect<ReadonlyArray<GraphFile>, ProgramError>
    /** The statements of a program, as Babel's syntax tree. */
    readonly syntaxTree: (text: string, path: string) => Effect.Effect<unknown, ProgramError>
    /** Whether a text is TypeScript that can be parsed. */
    readonly isTypeScript: (text: string) => Effect.Effect<boolean>
  }
>()("mill/internal/SourceCompiler") {}
