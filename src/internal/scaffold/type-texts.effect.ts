/** The declarations of mill for editors, in folders where the package is not installed. */
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
