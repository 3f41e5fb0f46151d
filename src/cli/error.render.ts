/** Errors for people, with their cause and what to do next, and as JSON. */
import type { Style } from "./style.render.ts"

/** The fields that mill's errors share. */
export type PrintableError = {
  readonly _tag: string
  readonly message: string
  readonly hint?: string | undefined
  readonly location?: string | undefined
  readonly exitCode?: number | undefined
}

/** For stderr. */
export const renderError = ({ hint, location, message }: PrintableError, style: Style): string => {
  const where = location === undefined ? "" : `\n  ${style.dim("at")} ${location}`
  const next = hint === undefined ? "" : `\n  ${style.dim("→")} ${hint}`
  return `${style.red("error:")} ${message}${where}${next}`
}

/** For stdout with `--json`: the error's own fields, starting with its tag and message. */
export const renderErrorJson = (error: PrintableError): string => {
  const { _tag, message, ...rest } = error
  const fields = Object.fromEntries(Object.entries(rest).filter(([key]) => !hiddenFields.has(key)))
  return JSON.stringify({ error: { _tag, message, ...fields } })
}

const hiddenFields = new Set(["exitCode", "name", "stack"])
