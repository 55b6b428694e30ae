// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface MqttOperations {
  /** Whether who connects to a broker is a device, and its rights. */
  readonly 'POST /api/mqtt/authenticate': {
    readonly body: {
      readonly clientid: string;
      readonly username: string;
      readonly password: string;
      readonly peerhost: string;
    };
    readonly answer: {
      readonly result: 'allow' | 'deny' | 'ignore';
      readonly is_superuser: boolean;
      readonly acl: readonly {
        readonly permission: 'allow' | 'deny';
        readonly topic: string;
        readonly action: 'publish' | 'subscribe' | 'all';
        readonly qos?: readonly number[] | undefined;
      }[];
    };
  };

  /** Whether a device may publish, or subscribe, to a topic. */
  readonly 'POST /api/mqtt/authorize': {
    readonly body: {
      readonly clientid: string;
      readonly username: string;
      readonly topic: string;
      readonly action: 'publish' | 'subscribe';
      readonly qos: unknown;
    };
    readonly answer: { readonly result: 'allow' | 'deny' | 'ignore' };
  };
}
