/**
 * Builds what is shipped, into `dist`:
 *
 *     mill.js            the command; needs Bun on the PATH. mill.js.jsc is its bytecode, used by the Bun that made it
 *     parser.js, acp-sdk.js
 *                        what few commands need of other packages, and mill.js loads on use
 *     program-host.js    the process in which a program runs
 *     core.js, testing.js, modules, types
 *                        what `@mill/core` is to those who import it; `effect` is a package beside them, and mill.js
 *                        is what they start
 *     mill               with --binary, instead of the others: one executable that needs nothing
 *
 * Promises to leave nothing half built: an output is moved to its place when it is whole.
 *
 * Usage: bun scripts/build.ts [--binary] [--out <folder>]
 */
import type { BuildConfig, BunPlugin } from "bun"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { emitDeclarations } from "./declarations.ts"
import { scripts } from "./entries.ts"
import type { Artefact, Executable } from "../src/runtime/platform/artefact.ts"
import { reluctance } from "../src/runtime/bun/startup.ts"

const root = resolve(import.meta.dirname, "..")
const source = (path: string) => resolve(root, path)
const { values } = parseArgs({ options: { binary: { type: "boolean" }, out: { type: "string" } } })
const out = resolve(values.out ?? source("dist"))
mkdirSync(out, { recursive: true })
const work = mkdtempSync(join(out, ".build-"))

/** The module that says which form of mill this is; see src/runtime/platform/artefact.ts. */
const artefactModule = (text: string) => ({ [source("src/runtime/platform/artefact.ts")]: text })

/** `fields` are expressions for the values of a form that is known when it runs only. */
const artefactOf = (form: Artefact["form"], fields: Record<string, string>) =>
  `export const artefact = { form: ${JSON.stringify(form)}, ${Object.entries(fields).map(([name, value]) => `${name}: ${value}`)} }`

/**
 * Node's modules as Effect's packages use them, each loaded when something of it is first used. Together they take
 * longer to load than most of mill itself, and a short command needs few of them: a tenth of the bundle's start. The
 * executable gains nothing by it.
 */
const lazyBuiltins: BunPlugin = {
  name: "lazy-builtins",
  setup: (build) => {
    // Bun knows its built-in modules before it asks a plugin: they are imported by another name.
    build.onLoad({ filter: /\/node_modules\/(?:@effect\/|effect\/).*\.js$/ }, async ({ path }) => ({
      contents: (await Bun.file(path).text()).replace(/(\bfrom\s*")node:(?=\w+")/g, "$1lazy:"),
      loader: "js",
    }))
    build.onResolve({ filter: /^lazy:/ }, ({ path }) => ({ path: path.slice(5), namespace: "lazy" }))
    build.onLoad({ filter: /.*/, namespace: "lazy" }, async ({ path }) => {
      const load = `process.getBuiltinModule("${path}")`
      const names = Object.keys(await import(`node:${path}`)).filter((name) => name !== "default")
      const getters = names.map((name) => `get ${name}() { return ${load}.${name} },\n`)
      return {
        contents: `module.exports = { ${getters.join("")} get default() { return ${load} }, __esModule: true }`,
        loader: "js",
      }
    })
  },
}

/** The packages that lie in files of their own beside mill.js, which is the smaller and starts the sooner. */
const onUse: Readonly<Record<string, string>> = {
  "@babel/parser": "parser.js",
  "@agentclientprotocol/sdk": "acp-sdk.js",
}

const besideMill: BunPlugin = {
  name: "beside-mill",
  setup: (build) => {
    for (const [name, file] of Object.entries(onUse)) {
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `./${file}`, external: true }))
    }
  },
}

/** What lies in the folder of mill.js for it. */
const millFiles = ["mill.js", ...Object.values(onUse)].flatMap((name) => [name, `${name}.jsc`])

/** Of these, only what is named is loaded, and not all that they name. */
const optimizeImports = [
  "effect",
  ...["cli", "crypto", "process", "rpc", "socket"].map((name) => `effect/${name}`),
]

const bundle = async (entry: string, config: Partial<BuildConfig>) => {
  const shared = { target: "bun", minify: true, throw: true, optimizeImports } as const
  await Bun.build({ entrypoints: [source(entry)], ...shared, ...config } as BuildConfig)
}

/** mill's own script. Bytecode wants CommonJS, which has no `import.meta`: only Effect asks it, for an environment. */
const buildMill = async (outdir: string, unpacked: boolean) => {
  const artefact = artefactOf("scripts", {
    mill: "Bun.main",
    host: `Bun.main.replace(/[^/]*$/, "program-host.js")`,
    unpacked: String(unpacked),
  })
  for (const [name, file] of Object.entries(onUse)) {
    await bundle(Bun.resolveSync(name, root), { outdir, naming: file, format: "cjs", bytecode: true })
  }
  await bundle(scripts["dist/mill.js"], {
    outdir,
    format: "cjs",
    bytecode: true,
    plugins: [lazyBuiltins, besideMill],
    define: { "import.meta": "{}", "import.meta.env": "{}" },
    files: artefactModule(artefact),
  })
  chmodSync(join(outdir, "mill.js"), 0o755)
}

/**
 * What is imported. An Effect that a user gets must be one of the user's own copy of `effect`, which is all that stays
 * outside. What both modules have, and what is seldom needed, lies in files of its own.
 */
const buildModules = async (outdir: string) => {
  const modules = ["dist/core.js", "dist/testing.js"] as const
  const above = (name: string) => `decodeURIComponent(new URL("../${name}", import.meta.url).pathname)`
  const fields = { mill: above("mill.js"), host: above("program-host.js"), unpacked: "false" }
  await bundle(scripts["dist/core.js"], {
    entrypoints: modules.map((module) => source(scripts[module])),
    outdir,
    minify: false,
    splitting: true,
    external: ["effect", "effect/*"],
    naming: { entry: "[name].js", chunk: "modules/[name]-[hash].js" },
    files: artefactModule(artefactOf("scripts", fields)),
  })
  for (const module of modules) {
    renameSync(join(outdir, basename(scripts[module], ".ts") + ".js"), join(outdir, basename(module)))
  }
}

const buildHost = (outdir: string) => bundle(scripts["dist/program-host.js"], { outdir })

/** Moves what has been built to its place. */
const place = (folder: string, names: ReadonlyArray<string>) => {
  for (const name of names) {
    rmSync(join(out, name), { recursive: true, force: true })
    renameSync(join(folder, name), join(out, name))
  }
}

const buildPackage = async () => {
  await buildMill(work, false)
  await buildHost(work)
  await buildModules(work)
  const modules = [scripts["dist/core.js"], scripts["dist/testing.js"]]
  const output = emitDeclarations(root, modules, join(work, "types"))
  if (output !== "") throw new Error(output)
  place(work, [...millFiles, "program-host.js", "core.js", "testing.js", "modules", "types"])
}

const buildBinary = async () => {
  await buildMill(work, true)
  await buildHost(work)
  await bundle("src/runtime/host/plain-environment.ts", { outdir: work })
  const names = [...millFiles, "program-host.js", "plain-environment.js"]
  const hash = new Bun.CryptoHasher("sha256")
  for (const name of names) hash.update(readFileSync(join(work, name)))
  const imports = names.map(
    (name, index) => `import file${index} from ${JSON.stringify(join(work, name))} with { type: "file" }\n`,
  )
  const files = `{ ${names.map((name, index) => `${JSON.stringify(name)}: file${index}`)} }`
  const fields: Record<Exclude<keyof Executable, "form">, string> = {
    digest: JSON.stringify(hash.digest("hex").slice(0, 16)),
    files,
  }
  await bundle(scripts["dist/mill.js"], {
    format: "esm",
    splitting: true,
    bytecode: true,
    // A program's imports are looked up as Bun itself does; a folder's Bun settings are none of mill's.
    compile: {
      outfile: join(work, "mill"),
      jitPolicy: reluctance,
      autoloadBunfig: false,
      autoloadPackageJson: true,
      autoloadTsconfig: true,
    },
    files: artefactModule(imports.join("") + artefactOf("executable", fields)),
  })
  place(work, ["mill"])
}

try {
  await (values.binary === true ? buildBinary() : buildPackage())
} finally {
  rmSync(work, { recursive: true, force: true })
}
