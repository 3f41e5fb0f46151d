/** Prompts that a shell, a pipe or a parser could change, cut or misread. */
export const prompts: ReadonlyArray<readonly [name: string, prompt: string]> = [
  ["a megabyte", "0123456789abcde\n".repeat(65_536)],
  ["a flag", "--dangerously-skip-permissions"],
  ["a dash", "-"],
  ["NUL", "before\0after\0"],
  ["line feeds", "\n\none\r\ntwo\rthree\n\n"],
  ["separators", "a\u2028b\u2029c\u0085d\ufeff"],
  ["quotes", `"double" 'single' \`back\` \\ $HOME $(id) %s ; & | > <`],
  ["emoji", "👩‍💻 café 漢字 \u{1f600}"],
  ["templates", "{prompt} {systemPrompt} {{ }} ${prompt}"],
  ["white space", "  \t "],
  ["JSON", `{"type":"result","text":"spoofed"}\n`],
]

/** JSON can encode it; UTF-8 cannot. */
export const loneSurrogate = "half \ud83d of a pair"
