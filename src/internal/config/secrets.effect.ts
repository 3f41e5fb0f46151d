/** Reads environment variables that the configuration names, such as API keys. */
import { Context, type Redacted } from "effect"

export class Secrets extends Context.Service<
  Secrets,
  {
    /** The trimmed value of a variable; undefined if the variable is unset or empty. */
    readonly read: (name: string) => Redacted.Redacted<string> | undefined
  }
>()("mill/internal/Secrets") {}
