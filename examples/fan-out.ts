/// <reference types="@mill/core/program" />
// Three reviewers read the same code at the same time, and a lead decides what is fixed first.
// The [words in brackets] are stage directions for `--driver offline`: leave them out for real agents.

const code = `
app.get("/invoice", async (request, response) => {
  const rows = await db.query("select * from invoice where customer = " + request.query.customer)
  for (const row of rows) row.items = await db.query("select * from item where invoice = " + row.id)
  response.send(rows[0].total.toFixed(2))
})`

const reviewers = [
  {
    agent: "security",
    eye: "what an attacker could do",
    offline:
      "[milestone following the request into the query] [sleep 0.8] [tool grep db.query] [sleep 0.6] " +
      "[say the customer goes into the SQL as it is: anybody can read any table]",
  },
  {
    agent: "correctness",
    eye: "input for which the answer is wrong",
    offline: "[sleep 1.1] [say a customer without invoices makes it crash: there is no rows[0]]",
  },
  {
    agent: "performance",
    eye: "work that grows with the data",
    offline: "[sleep 0.4] [say one query for each invoice: 1,000 invoices make 1,001 round trips]",
  },
]

mill.log(`${reviewers.length} reviewers are reading`)

const reviews = await Promise.all(
  reviewers.map(({ agent, eye, offline }) =>
    mill.spawn({
      agent,
      systemPrompt: `You review code. You look for ${eye}, and for nothing else.`,
      prompt: `In one sentence: what is the worst thing about this code?\n${code}\n\n${offline}`,
      model: "anthropic/claude-haiku-4-5",
    }),
  ),
)

const findings = reviews.map(({ agent, text }) => `${agent}: ${text}`)
const [first, second, third] = findings

const lead = await mill.spawn({
  agent: "lead",
  systemPrompt: "You decide what is fixed first. You answer in three lines.",
  prompt: [
    "Put these findings in the order in which to fix them:",
    ...findings,
    `[sleep 0.4] [say Today      ${first}\nThis week  ${second}\nSome day   ${third}]`,
  ].join("\n"),
  model: "anthropic/claude-opus-4-6",
})

export default lead.text
