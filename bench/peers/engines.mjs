// Each engine in a process of its own, with its defaults: `run` resolves when a run of steps has
// ended, `begin` when a run that gets stuck is durable. PLACE: { dir, hung, port, ingress, url }.
import { join } from 'node:path';

const engines = {
  async Holdfast({ dir }, { work, hang }) {
    const { Agent, workflow } = await import('@holdfast/agent');
    const stepOf = (ctx) => (name, body) => ctx.step(name, body);
    const workflows = {
      work: workflow('work', (ctx) => work(stepOf(ctx))),
      hang: workflow('hang', (ctx) => hang(stepOf(ctx))),
    };
    const agent = await Agent.open({
      ...{ dataDir: join(dir, 'device'), device: 'bench', workflows: Object.values(workflows) },
      // By default fewer step bodies are at work at a time, and those that hang never end.
      stepsAtOnce: Number.POSITIVE_INFINITY,
    });
    return {
      run: async () => (await agent.start(workflows.work)).result(),
      begin: () => agent.start(workflows.hang),
    };
  },

  async Restate({ port, ingress }, { work, hang }) {
    // Its SDK is made for a later Node, and needs this one word of it.
    Promise.withResolvers ??= function withResolvers() {
      const parts = {};
      parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
      return parts;
    };
    const restate = await import('@restatedev/restate-sdk');
    const clients = await import('@restatedev/restate-sdk-clients');
    const stepOf = (ctx) => (name, body) => ctx.run(name, body);
    const handlers = {
      work: async (ctx) => work(stepOf(ctx)),
      hang: async (ctx) => hang(stepOf(ctx)),
    };
    await restate.serve({ services: [restate.service({ name: 'bench', handlers })], port });
    const client = clients.connect({ url: ingress });
    return {
      run: () => client.serviceClient({ name: 'bench' }).work(),
      begin: () => client.serviceSendClient({ name: 'bench' }).hang(),
    };
  },

  async DBOS({ url }, { work, hang }) {
    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    const step = (name, body) => DBOS.runStep(() => Promise.resolve(body()), { name });
    const runWork = DBOS.registerWorkflow(() => work(step), { name: 'work' });
    const runHang = DBOS.registerWorkflow(() => hang(step), { name: 'hang' });
    DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, logLevel: 'error' });
    await DBOS.launch();
    return {
      run: () => runWork(),
      begin: () => DBOS.startWorkflow(runHang)(),
    };
  },
};

export const names = Object.keys(engines);

/** Opens an engine on what is there, and has it go on with it. */
export const open = (name, place, bodies) => engines[name](place, bodies);
