/** The declarations that make an editor know mill where the package is not installed. What the package exports has them. */
import { Context } from "effect"

export class TypeTexts extends Context.Service<
  TypeTexts,
  {
    /** The global `mill` of a program. */
    readonly program: string
    /** The module that a configuration imports. */
    readonly core: string
  }
>()("mill/internal/TypeTexts") {}
