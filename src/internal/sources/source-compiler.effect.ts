/**
 * The language tools that a plan needs: they find the local files of a module graph and locate errors in them. The runtime
 * provides them with Bun's own bundler, so they see what Bun will run.
 */
import { Context, type Effect } from "effect"
import type { ProgramError } from "../../domain/error.schema.ts"

/**
 * A local file of a module graph. `imports` maps its specifiers to the absolute paths of other local files; `packages` lists
 * its other imports.
 */
export type GraphFile = {
  readonly path: string
  readonly contents: string
  readonly imports: Readonly<Record<string, string>>
  readonly packages: ReadonlyArray<string>
  /** The types that imports give, such as `text`, by specifier. */
  readonly importTypes?: Readonly<Record<string, string>> | undefined
  /** Imported only as text, though its name does not say so. */
  readonly asText?: boolean | undefined
  /** The format of code that is not an ES module. */
  readonly format?: "commonjs" | undefined
  /** Made from an object: the file does not exist. */
  readonly generated?: boolean | undefined
  /** Made from an object with functions, which only the process that submits the run can reach. */
  readonly local?: boolean | undefined
  /** The form in which the entry is loaded, if it differs: same lines, and same columns but for `columnShift` on the first. */
  readonly wrapped?: { readonly contents: string; readonly columnShift: number } | undefined
}

export class SourceCompiler extends Context.Service<
  SourceCompiler,
  {
    /**
     * The entry and every local file that it imports, the entry first. Fails with the location of a syntax error, or of
     * a static import that does not resolve. `provided` names modules that mill provides, with their submodules.
     */
    readonly graph: (
      entry: string,
      options: { readonly provided: ReadonlyArray<string>; readonly asProgram: boolean },
    ) => Effect.Effect<ReadonlyArray<GraphFile>, ProgramError>
    /** The top-level statements of a program, as nodes of Babel's syntax tree. */
    readonly syntaxTree: (text: string, path: string) => Effect.Effect<unknown, ProgramError>
    /** Whether a text parses as TypeScript. */
    readonly isTypeScript: (text: string) => Effect.Effect<boolean>
  }
>()("mill/internal/SourceCompiler") {}
