/** An error as a command tells it: one line with the cause and one with what to do next, or JSON. */
import type { Style } from "./style.render.ts"

/** What every error of mill's carries. */
export type TellableError = {
  readonly _tag: string
  readonly message: string
  readonly hint?: string | undefined
  readonly location?: string | undefined
  readonly exitCode?: number | undefined
}

/** For stderr. */
export const renderError = (error: TellableError, style: Style): string => {
  const where = error.location === undefined ? "" : `\n  ${style.dim("at")} ${error.location}`
  const next = error.hint === undefined ? "" : `\n  ${style.dim("→")} ${error.hint}`
  return `${style.red("error:")} ${error.message}${where}${next}`
}

/** For stdout with `--json`: the error's own fields, its name first. */
export const errorJson = (error: TellableError): string => {
  const { _tag, message, ...rest } = error
  const fields = Object.fromEntries(Object.entries(rest).filter(([key]) => !hidden.has(key)))
  return JSON.stringify({ error: { _tag, message, ...fields } })
}

const hidden = new Set(["exitCode", "name", "stack"])
