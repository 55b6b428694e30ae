import { Agent } from '@holdfast/agent';
import { parseProgram, untilStopped } from '../stand-ins/device-program.ts';
import { serveJson } from '../stand-ins/http-service.ts';
import { routesOf } from './http-api.ts';
import { digest } from './workflow.ts';

// An agent inside a program of one's own: opened first, so that the API never answers without it.
const { dataDir, device, port } = parseProgram();
const agent = await Agent.open({ dataDir, device, workflows: [digest], socket: true });
const door = await serveJson(port, routesOf(agent));
process.stdout.write(`${JSON.stringify({ pid: process.pid, url: door.url })}\n`);

await untilStopped();
await door.close();
await agent.close();
