/// <reference types="@mill/core/program" />
// Three reviewers read the same code at the same time, and a lead decides what to fix first.
// The [words in brackets] are directives for `--driver offline`. Omit them with real agents.

const code = `
app.get("/invoice", async (request, response) => {
  const rows = await db.query("select * from invoice where customer = " + request.query.customer)
  for (const row of rows) row.items = await db.query("select * from item where invoice = " + row.id)
  response.send(rows[0].total.toFixed(2))
})`

const reviewers = [
  {
    agent: "security",
    focus: "what an attacker could do",
    offline:
      "[milestone tracing the request into the query] [sleep 0.8] [tool grep db.query] [sleep 0.6] " +
      "[say customer is concatenated into the SQL: anyone can read any table]",
  },
  {
    agent: "correctness",
    focus: "input that gives a wrong answer",
    offline: "[sleep 1.1] [say it crashes for a customer without invoices, because rows[0] is undefined]",
  },
  {
    agent: "performance",
    focus: "work that grows with the data",
    offline: "[sleep 0.4] [say it runs one query per invoice: 1,000 invoices take 1,001 round trips]",
  },
]

mill.log(`asking ${reviewers.length} reviewers`)

const reviews = await Promise.all(
  reviewers.map(({ agent, focus, offline }) =>
    mill.spawn({
      agent,
      systemPrompt: `You review code. You only look for ${focus}.`,
      prompt: `What is the worst problem in this code? Answer in one sentence.\n${code}\n\n${offline}`,
      model: "anthropic/claude-haiku-4-5",
    }),
  ),
)

const findings = reviews.map(({ agent, text }) => `${agent}: ${text}`)
const [first, second, third] = findings

const lead = await mill.spawn({
  agent: "lead",
  systemPrompt: "You decide what to fix first. You answer in three lines.",
  prompt: [
    "Order these findings by priority:",
    ...findings,
    `[sleep 0.4] [say Today      ${first}\nThis week  ${second}\nLater      ${third}]`,
  ].join("\n"),
  model: "anthropic/claude-opus-4-6",
})

export default lead.text
