/**
 * Finds the line of an agent's standard error that says what went wrong. Agents are programs in any language, so the line
 * may be surrounded by warnings, progress, a stack trace, a quoted line of source code or usage help.
 */
import { Option, Schema } from "effect"
import { cutText } from "./cut-text.ts"
import { showLine } from "./shown-line.ts"

/** Maximum length of a complaint, in characters. */
const maxLength = 300

/** How much of a line is judged, in characters: some patterns take time quadratic in it. */
const judgedLength = 1000

/** Lines of a stack trace, of quoted source code and of dumped values: never a message. */
const noise = [
  /^[\p{P}\p{S}\s]*$/u,
  /^\s*at .*(?:\(.*\)|:\d+(?::\d+)?)\)?(?: \{)?$/,
  /^\s*at (?:async |new )?[\w.$<>]+(?: \(?native\)?| \(<anonymous>\))?$/,
  /^\s*\.\.\. \d+ more(?: |$)/,
  /^\s*(?:throw\b.*|\d+ \|.*|\|.*)$/,
  /^(?:node:|file:\/\/|\/|[A-Z]:\\)\S*:\d+$/,
  /^\s+File ".*", line \d+/,
  /^goroutine \d+ /,
  /^(?:Node\.js v|Bun v)\d/,
  /^Emitted 'error' event/,
  /^stack backtrace:$/i,
  /^\s+warnings\.warn\(/,
  /^\s*(?:% Total|Dload)\s/,
]

/** Lines that may explain a failure, but only if no other line does. */
const remarks = [
  /^(?:\S+ )?(?:warn(?:ing)?|info|notice|debug|trace|tip|hint|note|help)\b[:\]]?/i,
  /^(?:\S+ ){0,2}\w*Warning:/,
  /^⚠/,
  /^npm (?:warn|notice)\b/i,
  /^npm (?:error|ERR!) (?:code|errno|syscall|path|dest|A complete log)\b/,
  /\blevel=(?:trace|debug|info|notice|warn(?:ing)?)\b/i,
  /^(?:\(|\[)?Use `?node --trace-/,
  /^(?:usage|options|commands|arguments|examples?)\b.*:/i,
  /^for more (?:information|details|help)/i,
  /^(?:see|run|try) .*(?:--help|RUST_BACKTRACE)/i,
]

/** Progress, such as "Reading input..." or "Reconnecting... 2/5". */
const progress = /^\p{L}+ing\b.*(?:\.\.\.|…)(?:\s*\(?\d+(?:\/\d+)?\)?)?$/u

/** An error by its own words. */
const errorWords =
  /^(?:[\w./@-]+: )?(?:(?:[\w.]+(?:Error|Exception)|error|fatal|panic|fehler)\b|E: )|^(?:npm error|Exception in thread|Uncaught|Unhandled)\b|^thread '.*' .*panicked/i

/** The time and the level with which loggers begin a line. */
const logPrefix = /^\[?\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]?\s+/
const logLevel = /^\[?(?:error|fatal|err|critical)\]?[:\s]\s*/i

/** How much a line explains, from nothing to everything. */
const ranks = { noise: 0, progress: 1, remark: 2, plain: 3, error: 4 } as const

const rankLine = (line: string, next: string | undefined): number => {
  if (noise.some((pattern) => pattern.test(line))) return ranks.noise
  const text = line.trim().replace(logPrefix, "")
  if (progress.test(text.replace(logLevel, ""))) return ranks.progress
  if (remarks.some((pattern) => pattern.test(text))) return ranks.remark
  // A message right above a stack trace is the error.
  return errorWords.test(text) || /^\s+at .*:\d+/.test(next ?? "") ? ranks.error : ranks.plain
}

const Explained = Schema.Struct({ message: Schema.NonEmptyString })
/** The level of a line of a log, as a word or as a number of pino and bunyan, where 50 stands for an error. */
const level = Schema.optional(Schema.Unknown)
const JsonError = Schema.Union([
  Schema.Struct({ level, error: Schema.Union([Explained, Schema.NonEmptyString]) }),
  Schema.Struct({ level, ...Explained.fields }),
  Schema.Struct({ level, msg: Schema.NonEmptyString }),
])
type JsonError = typeof JsonError.Type
const decodeJsonError = Schema.decodeUnknownOption(Schema.fromJsonString(JsonError))

/** The message in a JSON object such as `{"error":{"message":"…"}}`, and the level of its line. */
const readJsonMessage = (text: string): { readonly message: string; readonly kind: string } | undefined => {
  const value = Option.getOrUndefined(decodeJsonError(text))
  return value && { message: readMessage(value), kind: isRemark(value.level) ? "info" : "error" }
}

const readMessage = (value: JsonError): string => {
  if ("msg" in value) return value.msg
  if ("message" in value) return value.message
  return typeof value.error === "string" ? value.error : value.error.message
}

const isRemark = (given: unknown): boolean =>
  typeof given === "number"
    ? given < 50
    : typeof given === "string" && /^(?:trace|debug|info|notice|warn)/i.test(given)

/** Replaces JSON objects, on one line or several, by their messages. */
const unfoldJson = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const start = lines.findIndex((line) => /^\s*\{/.test(line))
  const end = lines.findLastIndex((line) => /\}\s*$/.test(line))
  const whole = start === -1 ? undefined : readJsonMessage(lines.slice(start, end + 1).join("\n"))
  if (whole !== undefined) {
    return [...lines.slice(0, start), `${whole.kind}: ${whole.message}`, ...lines.slice(end + 1)]
  }
  return lines.map((line) => {
    const [, head = "", json = ""] = /^([^{]*)(\{.*\})$/.exec(line) ?? []
    const read = json === "" ? undefined : readJsonMessage(json)
    return read === undefined ? line : `${head === "" ? `${read.kind}: ` : head}${read.message}`
  })
}

/** Drops what Node prints above an uncaught error: its place, the line of source code and a caret below it. */
const dropSourceLines = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const caret = lines.findIndex((line) => /^\s*[\^~]+$/.test(line))
  const place = lines.findLastIndex(
    (line, index) => index < caret && index >= caret - 3 && /^\S.*:\d+$/.test(line),
  )
  return place === -1 ? lines : lines.toSpliced(place, caret - place + 1)
}

/** The exception of the last Python traceback, which follows its indented frames. */
const findPythonException = (lines: ReadonlyArray<string>): string | undefined => {
  const start = lines.findLastIndex((line) => line === "Traceback (most recent call last):")
  return start === -1 ? undefined : lines.slice(start + 1).find((line) => /^\S/.test(line))
}

/** The line that best explains a failure, or an empty text. The first one counts, as later ones often follow from it. */
export const findComplaint = (stderr: string): string => {
  const lines = dropSourceLines(unfoldJson(stderr.split("\n").map(showLine)))
    .filter((line) => line !== "")
    .map((line) => cutText(line, judgedLength))
  const exception = findPythonException(lines)
  if (exception !== undefined) return shorten(exception)
  let best: { readonly rank: number; readonly index: number } = { rank: ranks.progress, index: -1 }
  for (const [index, line] of lines.entries()) {
    const rank = rankLine(line, lines[index + 1])
    if (rank > best.rank) best = { rank, index }
  }
  const line = lines[best.index]
  if (line === undefined) return ""
  // A heading such as "Error loading config.toml:" says nothing without the line below it.
  const next = line.endsWith(":") ? lines[best.index + 1] : undefined
  const text = line.trim().replace(logPrefix, "")
  return shorten(
    next === undefined || rankLine(next, undefined) < ranks.remark ? text : `${text} ${next.trim()}`,
  )
}

const shorten = (text: string): string => (text.length > maxLength ? `${cutText(text, maxLength)}…` : text)
