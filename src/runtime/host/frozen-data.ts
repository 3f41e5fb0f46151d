/** Evaluates frozen files that are data, as Bun evaluates an import of them. */

const parsers = {
  json: (text: string): unknown => JSON.parse(text),
  jsonc: (text: string): unknown => Bun.JSONC.parse(text),
  json5: (text: string): unknown => Bun.JSON5.parse(text),
  toml: (text: string): unknown => Bun.TOML.parse(text),
  yaml: (text: string): unknown => Bun.YAML.parse(text),
  xml: (text: string): unknown => Bun.XML.parse(text),
  md: (text: string): unknown => Bun.markdown.html(text),
  text: (text: string): unknown => text,
} as const

/** A kind of data, as the `type` of an import attribute names it. `md` evaluates to HTML. */
export type DataType = keyof typeof parsers

export const isDataType = (type: string): type is DataType => Object.hasOwn(parsers, type)

/** The types that an import attribute may have, for error messages. */
export const dataTypes: ReadonlyArray<string> = Object.keys(parsers)

const typesByExtension: ReadonlyMap<string, DataType> = new Map([
  ["json", "json"],
  ["jsonc", "jsonc"],
  ["json5", "json5"],
  ["toml", "toml"],
  ["yaml", "yaml"],
  ["yml", "yaml"],
  ["xml", "xml"],
  ["md", "md"],
  ["txt", "text"],
])

/** The type that a file's name says; undefined for code, and for files that Bun does not read when they are imported. */
export const findDataType = (path: string): DataType | undefined =>
  typesByExtension.get(/\.([^./]+)$/.exec(path)?.[1] ?? "")

export const evaluateData = (contents: string, type: DataType): unknown => parsers[type](contents)

/** The exports of a module with this value: the keys of an object, and the value itself as the default. */
export const exportData = (value: unknown): Record<string, unknown> => ({
  ...(typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}),
  default: value,
})
