/** The entries of the package: each built script and its source. */
export const scripts = {
  "dist/mill.js": "src/bin/mill.ts",
  "dist/program-host.js": "src/runtime/program-host.ts",
  "dist/core.js": "src/public/mill.api.ts",
  "dist/testing.js": "src/public/testing.api.ts",
} as const

/** The folder of the declarations in the package, and the folder of their sources. */
export const declarationsIn = { folder: "dist/types/", of: "src/" } as const
