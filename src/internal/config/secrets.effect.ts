/** The one way to a value of the environment that the configuration names: nothing else of it is handed down. */
import { Context, type Redacted } from "effect"

export class Secrets extends Context.Service<
  Secrets,
  {
    /** The value of a variable, without white space at its ends; undefined when it is not set, or set to nothing. */
    readonly read: (name: string) => Redacted.Redacted<string> | undefined
  }
>()("mill/internal/Secrets") {}
