// The baseline's child: one event per line on stdin, one result per line on stdout.
const { handler } = await import(`${process.argv[2]}/index.mjs`);

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", async (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    process.stdout.write(JSON.stringify(await handler(JSON.parse(line))) + "\n");
  }
});
