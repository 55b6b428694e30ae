import { swagger, type FastifyInstance } from './fastify.ts';

const security = [{ token: [] }, { session: [] }];

/** Has the app keep the OpenAPI document of its routes. To be called before they are added. */
export async function addDocument(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdfast gateway',
        description: 'Devices, runs and entries of a fleet, and who may decide about them.',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      security,
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'API token' },
          session: { type: 'apiKey', in: 'cookie', name: 'holdfast_session' },
        },
      },
    },
  });
}
