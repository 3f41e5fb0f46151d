/** What the package is built from: each shipped script, and the source that it starts from. */
export const scripts = {
  "dist/mill.js": "src/bin/mill.ts",
  "dist/program-host.js": "src/runtime/program-host.ts",
  "dist/core.js": "src/public/mill.api.ts",
  "dist/testing.js": "src/public/testing.api.ts",
} as const

/** Where the declarations of a source file are, in the package. */
export const declarationsIn = { folder: "dist/types/", of: "src/" } as const
