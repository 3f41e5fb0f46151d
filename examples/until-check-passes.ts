/// <reference types="@mill/core/program" />
// Asks for a regular expression until one passes a check. Each new prompt explains why the previous attempts failed.
// Gives up after five attempts. With `--driver offline`, each answer is the text in [brackets].

const accepted = ["2026-11-20", "1999-01-31"]
const refused = ["2026-11-20T10:00", "2026-13-01", "2026-1-1", "20261120"]

/** Describes the problem with a pattern, if there is one. */
const findProblem = (pattern: string): string | undefined => {
  try {
    const expression = new RegExp(pattern)
    const missed = accepted.find((date) => !expression.test(date))
    const wrong = refused.find((text) => expression.test(text))
    if (missed !== undefined) return `it does not match ${missed}`
    return wrong === undefined ? undefined : `it matches ${wrong}`
  } catch (error) {
    return String(error)
  }
}

const offline = [
  "\\d+-\\d+-\\d+",
  "^\\d{4}-\\d{2}-\\d{2}$",
  "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$",
]

const problems: Array<string> = []
let pattern: string | undefined

while (pattern === undefined && problems.length < 5) {
  const answer = await mill.spawn({
    agent: "writer",
    systemPrompt: "You answer with just a regular expression: no slashes, no explanation.",
    prompt: [
      "Write a regular expression that only matches dates such as 2026-11-20.",
      ...problems.map((problem, index) => `Attempt ${index + 1} failed: ${problem}.`),
      `[say ${offline[problems.length]}]`,
    ].join("\n"),
    model: "openai/gpt-5.3-codex",
  })
  const problem = findProblem(answer.text)
  if (problem === undefined) pattern = answer.text
  else problems.push(`${answer.text}: ${problem}`)
  mill.log(`attempt ${problems.length + (problem === undefined ? 1 : 0)}: ${problem ?? "passed"}`)
}

if (pattern === undefined) throw new Error(`no pattern passed the check:\n${problems.join("\n")}`)

export default { pattern, attempts: problems.length + 1, problems }
