// Renders a Markdown document, the event's "markdown", to HTML: headings, lists, tables, code and inline marks.

const escape = (s) => s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

const inline = (s) =>
  escape(s)
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '<a href="$2">$1</a>');

const row = (line, cell) =>
  "<tr>" + line.split("|").slice(1, -1).map((c) => `<${cell}>${inline(c.trim())}</${cell}>`).join("") + "</tr>";

function block(lines) {
  const first = lines[0];
  const heading = /^(#{1,6}) (.*)/.exec(first);
  if (heading) {
    const n = heading[1].length;
    return `<h${n}>${inline(heading[2])}</h${n}>` + (lines.length > 1 ? block(lines.slice(1)) : "");
  }
  if (first.startsWith("|")) {
    return `<table>${row(first, "th")}${lines.slice(2).map((l) => row(l, "td")).join("")}</table>`;
  }
  if (/^[-*] /.test(first)) {
    return `<ul>${lines.map((l) => `<li>${inline(l.replace(/^[-*] /, ""))}</li>`).join("")}</ul>`;
  }
  return `<p>${inline(lines.join(" "))}</p>`;
}

export function render(markdown) {
  const html = [];
  const parts = markdown.split(/^```.*$/m); // every second part is code
  parts.forEach((part, i) => {
    if (i % 2) return html.push(`<pre>${escape(part.trim())}</pre>`);
    for (const text of part.split(/\n\s*\n/)) {
      const lines = text.split("\n").filter((l) => l.trim());
      if (lines.length) html.push(block(lines));
    }
  });
  return html.join("\n");
}

export const handler = async (event) => {
  const html = render(event.markdown);
  return { bytes: Buffer.byteLength(html), headings: (html.match(/<h[1-6]>/g) ?? []).length, html };
};
