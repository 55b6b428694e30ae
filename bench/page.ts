import { availableParallelism, cpus } from 'node:os';

const style = `
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 900px; color: #222 }
  h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
  table { border-collapse: collapse; width: 100%; font-size: 13px }
  th, td { padding: 3px 8px; text-align: right; border-bottom: 1px solid #ddd }
  th:first-child, td:first-child, .text { text-align: left }
  .no { color: #b3261e; font-weight: 600 }
  .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 1rem }
  svg text { font: 12px system-ui, sans-serif; fill: #222 }
  @media (prefers-color-scheme: dark) {
    body { background: #181818; color: #ddd } th, td { border-color: #444 }
    svg text { fill: #ddd } .no { color: #ff8a80 }
  }`;

/** A page of HTML, complete in itself, that begins with the machine and the time. */
export function pageOf(title: string, content: string): string {
  const [cpu] = cpus();
  const machine = `${availableParallelism()} × ${cpu?.model.trim() ?? 'unknown'}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}
</style>
<h1>${title}</h1>
<p>${escaped(machine)}, Node ${escaped(process.versions.node)}, ${new Date().toISOString()}.</p>
${content}
</html>
`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
