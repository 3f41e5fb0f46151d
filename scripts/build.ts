/**
 * Builds the package into `dist`:
 *
 *     mill.js            the command; needs Bun on the PATH. mill.js.jsc is its bytecode for the Bun that built it
 *     parser.js, acp-sdk.js
 *                        packages that few commands need; mill.js loads them on use
 *     program-host.js    the process in which a program runs
 *     core.js, testing.js, modules, types
 *                        the modules `@mill/core` and `@mill/core/testing`; they import the package `effect` and start
 *                        mill.js
 *     mill               with --binary, instead of all that: one executable without dependencies
 *
 * A failed build leaves `dist` as it was: outputs are built in a temporary folder and then moved.
 *
 * Usage: bun scripts/build.ts [--binary] [--out <folder>]
 */
import type { BuildConfig, BunPlugin } from "bun"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { emitDeclarations } from "./declarations.ts"
import { scripts } from "./entries.ts"
import type { Artefact, Executable } from "../src/runtime/platform/artefact.ts"
import { reluctance } from "../src/runtime/bun/startup.ts"
import { scriptNames } from "../src/runtime/platform/commands.ts"

const root = resolve(import.meta.dirname, "..")
const resolveSource = (path: string) => resolve(root, path)
const { values } = parseArgs({ options: { binary: { type: "boolean" }, out: { type: "string" } } })
const out = resolve(values.out ?? resolveSource("dist"))
mkdirSync(out, { recursive: true })
const work = mkdtempSync(join(out, ".build-"))

/** Replaces the module that describes the form of mill: src/runtime/platform/artefact.ts. */
const replaceArtefact = (text: string) => ({ [resolveSource("src/runtime/platform/artefact.ts")]: text })

/** Writes the text of that module. `fields` are expressions, evaluated when mill runs. */
const writeArtefact = (form: Artefact["form"], fields: Record<string, string>) =>
  `export const artefact = { form: ${JSON.stringify(form)}, ${Object.entries(fields).map(([name, value]) => `${name}: ${value}`)} }`

/**
 * Loads Node's modules lazily for Effect's packages: a short command needs few of them, and loading them all takes a
 * tenth of the bundle's start-up. The executable gains nothing from it.
 */
const lazyBuiltins: BunPlugin = {
  name: "lazy-builtins",
  setup: (build) => {
    // Bun resolves built-in modules without asking plugins, so they are imported by another name.
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

/** The packages with files of their own beside mill.js: a smaller mill.js starts faster. */
const lazyPackages: Readonly<Record<string, string>> = {
  "@babel/parser": "parser.js",
  "@agentclientprotocol/sdk": "acp-sdk.js",
}

const besideMill: BunPlugin = {
  name: "beside-mill",
  setup: (build) => {
    for (const [name, file] of Object.entries(lazyPackages)) {
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `./${file}`, external: true }))
    }
  },
}

/** The files of mill's own script. */
const millFiles = [scriptNames.mill, ...Object.values(lazyPackages)].flatMap((name) => [name, `${name}.jsc`])

/** Barrel modules: only the exports that are imported get bundled. */
const optimizeImports = [
  "effect",
  ...["cli", "crypto", "process", "rpc", "socket"].map((name) => `effect/${name}`),
]

const bundle = async (entry: string, config: Partial<BuildConfig>) => {
  const shared = { target: "bun", minify: true, throw: true, optimizeImports } as const
  await Bun.build({ entrypoints: [resolveSource(entry)], ...shared, ...config } as BuildConfig)
}

/** Builds mill's own script. Bytecode needs CommonJS, which lacks `import.meta`: Effect reads its `env`, so define it. */
const buildMill = async (outdir: string) => {
  const artefact = writeArtefact("scripts", {
    mill: "Bun.main",
    host: `Bun.main.replace(/[^/]*$/, ${JSON.stringify(scriptNames.host)})`,
  })
  for (const [name, file] of Object.entries(lazyPackages)) {
    await bundle(Bun.resolveSync(name, root), { outdir, naming: file, format: "cjs", bytecode: true })
  }
  await bundle(scripts["dist/mill.js"], {
    outdir,
    format: "cjs",
    bytecode: true,
    plugins: [lazyBuiltins, besideMill],
    define: { "import.meta": "{}", "import.meta.env": "{}" },
    files: replaceArtefact(artefact),
  })
  chmodSync(join(outdir, "mill.js"), 0o755)
}

/**
 * Builds the modules that users import. `effect` stays external, so that mill's effects come from the user's own copy.
 * Code that both modules share, or that is loaded on use, goes to `modules/`.
 */
const buildModules = async (outdir: string) => {
  const modules = ["dist/core.js", "dist/testing.js"] as const
  const findAbove = (name: string) => `decodeURIComponent(new URL("../${name}", import.meta.url).pathname)`
  const fields = { mill: findAbove(scriptNames.mill), host: findAbove(scriptNames.host) }
  await bundle(scripts["dist/core.js"], {
    entrypoints: modules.map((module) => resolveSource(scripts[module])),
    outdir,
    minify: false,
    splitting: true,
    external: ["effect", "effect/*"],
    naming: { entry: "[name].js", chunk: "modules/[name]-[hash].js" },
    files: replaceArtefact(writeArtefact("scripts", fields)),
  })
  for (const module of modules) {
    renameSync(join(outdir, basename(scripts[module], ".ts") + ".js"), join(outdir, basename(module)))
  }
}

const buildHost = (outdir: string) => bundle(scripts["dist/program-host.js"], { outdir })

/** Moves outputs to `out`. */
const moveOut = (folder: string, names: ReadonlyArray<string>) => {
  for (const name of names) {
    rmSync(join(out, name), { recursive: true, force: true })
    renameSync(join(folder, name), join(out, name))
  }
}

const buildPackage = async () => {
  await buildMill(work)
  await buildHost(work)
  await buildModules(work)
  const modules = [scripts["dist/core.js"], scripts["dist/testing.js"]]
  const output = emitDeclarations(root, modules, join(work, "types"))
  if (output !== "") throw new Error(output)
  moveOut(work, [...millFiles, scriptNames.host, "core.js", "testing.js", "modules", "types"])
}

/**
 * Records which functions mill's processes use, so that Bun places these next to each other in the bytecode. The executable
 * then starts faster and needs less memory.
 */
const recordUse = (executable: string): Array<string> => {
  const folder = join(work, "use")
  mkdirSync(join(folder, ".git"), { recursive: true })
  const spawn = `mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })`
  writeFileSync(
    join(folder, "mill.config.ts"),
    `import { defineConfig } from "@mill/core"\nexport default defineConfig({})\n`,
  )
  writeFileSync(join(folder, "program.ts"), `export default (await ${spawn}).text\n`)
  const record = (name: string, ...args: ReadonlyArray<string>) => {
    const file = join(work, `${name}.order`)
    const env = { PATH: process.env["PATH"], MILL_HOME: join(folder, "home"), BUN_BYTECODE_ORDER_OUT: file }
    const { exitCode, stderr } = Bun.spawnSync([executable, ...args], { cwd: folder, env })
    if (exitCode !== 0) throw new Error(`cannot record what ${args.join(" ")} uses: ${stderr.toString()}`)
    return file
  }
  const run = ["run", "program.ts", "--driver", "offline", "--json"]
  const command = record("command", ...run, "--dry-run")
  // The run's processes inherit the name of the file, and its worker is the last of them to write it.
  const worker = record("worker", ...run)
  record("wait", "wait", "last", "--timeout", "60")
  return [command, worker, record("help", "--help")]
}

const buildBinary = async () => {
  await buildHost(work)
  await bundle("src/runtime/host/plain-environment.ts", { outdir: work })
  const names = [scriptNames.host, scriptNames.plainEnvironment]
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
  const compile = (bytecodeOrder: Array<string>) =>
    bundle(scripts["dist/mill.js"], {
      format: "esm",
      splitting: true,
      bytecode: true,
      // Programs' imports resolve as under Bun; a folder's bunfig.toml does not apply to mill.
      compile: {
        outfile: join(work, "mill"),
        bytecodeOrder,
        jitPolicy: reluctance,
        autoloadBunfig: false,
        autoloadPackageJson: true,
        autoloadTsconfig: true,
      },
      files: replaceArtefact(imports.join("") + writeArtefact("executable", fields)),
    })
  await compile([])
  await compile(recordUse(join(work, "mill")))
  moveOut(work, ["mill"])
}

try {
  await (values.binary === true ? buildBinary() : buildPackage())
} finally {
  rmSync(work, { recursive: true, force: true })
}
