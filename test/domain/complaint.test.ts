/** The line of standard error that explains a failure, in what agents and runtimes print. */
import { describe, expect, test } from "bun:test"
import { Arbitrary, Schema } from "effect"
import { findComplaint } from "../../src/domain/complaint.ts"
import { property } from "../support/property.ts"

const piWithoutLogin = `No API key found for anthropic.

Use /login to log into a provider via OAuth or API key. See:
  /usr/lib/node_modules/pi-coding-agent/docs/providers.md
  /usr/lib/node_modules/pi-coding-agent/docs/models.md
`

const uncaughtEvent = `node:events:505
    throw er; // Unhandled 'error' event
    ^

Error: write EPIPE
    at afterWriteDispatched (node:internal/stream_base_commons:159:15)
    at new Promise (<anonymous>)
    at file:///app/chunk.js:477:62826
Emitted 'error' event on Socket instance at:
    at emitErrorNT (node:internal/streams/destroy:170:8) {
  errno: -32,
  code: 'EPIPE',
  syscall: 'write'
}

Node.js v24.21.0
`

const missingModule = `node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/app/agent.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15) {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}
`

const syntaxError = `/app/agent.js:3
const x = = 1
          ^

SyntaxError: Unexpected token '='
    at wrapSafe (node:internal/modules/cjs/loader:1378:20)
`

const python = `Loading the model...
Traceback (most recent call last):
  File "/app/a.py", line 3, in load
    open("key")
FileNotFoundError: [Errno 2] No such file or directory: 'key'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/a.py", line 9, in <module>
    main()
    ~~~~^^
agent.LoginError: not logged in: run agent login
`

const rust = `Reading additional input from stdin...

thread 'codex-main' (23282) panicked at /rustc/598/library/std/src/io/stdio.rs:1165:9:
failed printing to stdout: Broken pipe (os error 32)
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
`

const go = `panic: runtime error: index out of range [3] with length 2

goroutine 1 [running]:
main.main()
\t/app/main.go:9 +0x1d
exit status 2
`

const java = `Exception in thread "main" java.lang.IllegalStateException: no key
\tat com.example.Agent.main(Agent.java:12)
\t... 3 more
`

const bun = `1 | throw new TypeError("no key")
          ^
error: no key
      at /app/agent.ts:1:7

Bun v1.4.5 (Linux x64)
`

const clap = `error: unexpected argument '--nope' found

  tip: to pass '--nope' as a value, use '-- --nope'

Usage: codex exec [OPTIONS] [PROMPT]

For more information, try '--help'.
`

describe("the complaint in standard error is", () => {
  test.each([
    ["the first line, not the last path", piWithoutLogin, "No API key found for anthropic."],
    ["the error above a Node stack trace", uncaughtEvent, "Error: write EPIPE"],
    ["the error below Node's own source", missingModule, "Error: Cannot find module '/app/agent.js'"],
    ["the error below a quoted line of source", syntaxError, "SyntaxError: Unexpected token '='"],
    [
      "the exception of the last Python traceback",
      python,
      "agent.LoginError: not logged in: run agent login",
    ],
    [
      "the line below a heading",
      rust,
      "thread 'codex-main' (23282) panicked at /rustc/598/library/std/src/io/stdio.rs:1165:9: failed printing to stdout: Broken pipe (os error 32)",
    ],
    [
      "the line below another heading",
      "Error loading config.toml:\n/home/u/config.toml:3:6: key with no value\n  |\n3 | this\n  |   ^\n",
      "Error loading config.toml: /home/u/config.toml:3:6: key with no value",
    ],
    ["the panic of a Go program", go, "panic: runtime error: index out of range [3] with length 2"],
    [
      "the exception of a Java program",
      java,
      'Exception in thread "main" java.lang.IllegalStateException: no key',
    ],
    ["the error of a Bun program", bun, "error: no key"],
    ["the error above usage help", clap, "error: unexpected argument '--nope' found"],
    [
      "the error behind warnings",
      "(node:12) ExperimentalWarning: SQLite is experimental\n(Use `node --trace-warnings ...` to show where)\nWarning: old\nnpm warn deprecated x\nINFO ready\nno key\n",
      "no key",
    ],
    [
      "the error behind Node's deprecation",
      "(node:123) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.\n(Use `node --trace-deprecation ...` to show where)\nNot logged in. Please run /login\n",
      "Not logged in. Please run /login",
    ],
    [
      "the error behind Python's deprecation",
      "/app/a.py:3: DeprecationWarning: old\n  warnings.warn('old')\nno key\n",
      "no key",
    ],
    [
      "the error in a log of JSON lines",
      '{"level":"info","msg":"starting"}\n{"level":"warn","message":"old"}\n{"level":"error","msg":"cannot bind"}\n',
      "error: cannot bind",
    ],
    [
      "the error in a log with levels as numbers",
      '{"level":30,"msg":"starting"}\n{"level":50,"msg":"boom"}\n',
      "error: boom",
    ],
    [
      "the error in a log of keys and values",
      'time="10:00" level=info msg="starting"\ntime="10:01" level=error msg="disk full"\n',
      'time="10:01" level=error msg="disk full"',
    ],
    [
      "npm's reason, not its code",
      "npm error code E401\nnpm error Unable to authenticate.\nnpm error A complete log of this run can be found in: /x\n",
      "npm error Unable to authenticate.",
    ],
    [
      "without characters that turn the text around",
      "Error: \u202egnp.exe\u2066 failed\n",
      "Error: gnp.exe failed",
    ],
    ["a warning if there is nothing else", "Warning: no such model\n", "Warning: no such model"],
    [
      "an error rather than an earlier remark of any kind",
      "Loaded 3 tools\nfatal: no repository\n",
      "fatal: no repository",
    ],
    ["not progress", "Reading additional input from stdin...\nNo prompt provided.\n", "No prompt provided."],
    [
      "not a failed attempt",
      "ERROR: Reconnecting... 1/5\nERROR: 401 Unauthorized\n",
      "ERROR: 401 Unauthorized",
    ],
    ["nothing if there is only progress", "Reading additional input from stdin...\n\n", ""],
    ["nothing if there is nothing", " \n\n", ""],
    ["free of colours and titles", "\u001b]0;agent\u0007\u001b[1;31mno key\u001b[0m\n", "no key"],
    ["what a carriage return leaves", "10 %\r50 %\rno space left\r\n", "no space left"],
    [
      "free of a logger's time",
      "2026-11-20T12:05:22.514128Z ERROR core: no rollout\n",
      "ERROR core: no rollout",
    ],
    ["the message in a JSON object", '{"error":{"type":"auth","message":"bad key"}}\n', "error: bad key"],
    [
      "the message in JSON on several lines",
      '{\n  "message": "bad key",\n  "code": 3\n}\n',
      "error: bad key",
    ],
    ["the message in JSON behind a status", '401: {"message":"bad key","code":"k"}\n', "401: bad key"],
    [
      "a line with other JSON, whole",
      '[unrecognized_model] {"model":"x"}\n',
      '[unrecognized_model] {"model":"x"}',
    ],
    ["the complaint of a shell", "sh: 1: agent: not found\n", "sh: 1: agent: not found"],
    ["shortened", `first ${"x".repeat(400)}\nlast\n`, `first ${"x".repeat(294)}…`],
  ])("%s", (_, stderr, complaint) => {
    expect(findComplaint(stderr)).toBe(complaint)
  })
})

property(
  "a complaint is one short line without control characters",
  Arbitrary.schema(Schema.String),
  (stderr) => {
    const complaint = findComplaint(stderr)
    return complaint.length <= 301 && !/\p{Cc}/u.test(complaint)
  },
)
