import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** The files of the dashboard, as the build made them. */
const directory = new URL('../../web/', import.meta.url);

const files = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/main.js', 'main.js', 'text/javascript; charset=utf-8'],
  ['/main.css', 'main.css', 'text/css; charset=utf-8'],
] as const;

/** The page runs what this gateway serves and asks nobody else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves the dashboard, to anybody: what it shows it asks the API for. */
export function addWeb(app: FastifyInstance): void {
  for (const [path, name, type] of files) {
    const bytes = readFileSync(new URL(name, directory));
    const packed = gzipSync(bytes, { level: 9 });
    app.get(path, { schema: { hide: true } }, (request, reply) => {
      const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      void reply
        .type(type)
        .header('content-security-policy', policy)
        .header('referrer-policy', 'no-referrer')
        .header('vary', 'accept-encoding');
      if (!takesGzip) return reply.send(bytes);
      return reply.header('content-encoding', 'gzip').send(packed);
    });
  }
}
