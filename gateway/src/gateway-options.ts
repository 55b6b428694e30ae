import type {
  MqttVersion,
  BrokerProfileName,
  Duration,
  Log,
  Point,
  Tracer,
} from '@holdfast/protocol';
import type { HandlerPolicy } from './core/handler-policy.ts';
import type { Handler } from './core/handler-ports.ts';
import type { TlsFiles } from './io/tls-files.ts';
import type { RetentionRule } from './core/retention/rules.ts';

/** Where a gateway listens, what it keeps, and who executes calls. */
export interface GatewayOptions {
  /** Made when it is missing. One gateway at a time has it. */
  readonly dataDir: string;
  /** Where devices connect. Default 127.0.0.1: from this machine only. */
  readonly mqttHost?: string | undefined;
  /** Default 1883, with TLS 8883; 0: the system chooses. */
  readonly mqttPort?: number | undefined;
  /**
   * URL of a broker to use instead of the embedded one, `mqtt://` or `mqtts://`; user and password
   * may be in it, and are not shown.
   */
  readonly broker?: string | undefined;
  /** Which limits that broker has. Default `generic`: what every broker takes. */
  readonly brokerProfile?: BrokerProfileName | undefined;
  /** The MQTT that is spoken with that broker. Default `3.1.1`. */
  readonly mqttVersion?: MqttVersion | undefined;
  /** PEM files: what devices see of the embedded broker, or what is shown to another one. */
  readonly tls?: TlsFiles | undefined;
  /**
   * Host names and addresses under which others reach this machine, besides those that it knows of
   * itself: for the certificate that the gateway's own authority issues where there are no files.
   * With one there is TLS on loopback, too.
   */
  readonly tlsNames?: readonly string[] | undefined;
  /** Take devices and requests from other machines without TLS. Default: only from this one. */
  readonly insecure?: boolean | undefined;
  /** Whether devices need a certificate at the embedded broker. Default: a signature does, too. */
  readonly requireCertificate?: boolean | undefined;
  /** How long a certificate of a device is valid, 1 h to 30 y. Default 3650 d. */
  readonly certificateLife?: Duration | undefined;
  /**
   * Address of a PostgreSQL database to keep the ledger in, `postgres://`; user and password may be
   * in it, and are not shown. Default: in the data directory.
   */
  readonly ledger?: string | undefined;
  /**
   * `open`: registers a device that it does not know at its first hello. `required`: takes only
   * devices that were enrolled, and the embedded broker only connections that prove to be theirs.
   * Default: `required` where other machines can connect to the embedded broker, else `open`.
   */
  readonly enrollment?: 'open' | 'required' | undefined;
  /** Default 127.0.0.1. */
  readonly httpHost?: string | undefined;
  /** 0: the system chooses. `undefined`: no HTTP API. */
  readonly httpPort?: number | undefined;
  /** PEM files: what the HTTP API shows. Default: `tls`, where that is of the embedded broker. */
  readonly httpTls?: TlsFiles | undefined;
  /** Functions that execute calls, by the name of the service. */
  readonly handlers?: Readonly<Record<string, Handler>> | undefined;
  /** An ES module that exports more of them as `handlers`. */
  readonly handlersFile?: string | undefined;
  /** URLs of HTTP endpoints that execute calls, by the name of the service. */
  readonly endpoints?: ReadonlyMap<string, string> | undefined;
  /** How services are treated that `handlerPolicies`, or the file, says nothing of. */
  readonly handlerPolicy?: Partial<HandlerPolicy> | undefined;
  /** By the name of the service; what is said here goes before what the file says. */
  readonly handlerPolicies?: ReadonlyMap<string, Partial<HandlerPolicy>> | undefined;
  /**
   * How often devices say how they are, 1 s to 1 h. Default 5 s. One that was not heard for four
   * times that is offline; two with one identity are kept out for twelve times that.
   */
  readonly reportEvery?: Duration | undefined;
  /**
   * How many devices connect in a second at most, 1 to 10,000. Default 500. Those who lost their
   * connection are told to spread over a time that keeps to it; the embedded broker enforces it.
   */
  readonly connectsPerS?: number | undefined;
  /** Is given a span of each attempt of a handler, see `docs/guides/tracing.md`. */
  readonly tracer?: Tracer | undefined;
  /** Devices whose tag `region` is another one are refused. Default: none are. */
  readonly region?: string | undefined;
  /** What the ledger keeps how long. Default: everything, for ever. */
  readonly retention?: readonly RetentionRule[] | undefined;
  /** How long commands are kept once all devices have answered, or `forever`. Default 90 d. */
  readonly keepCommands?: Duration | undefined;
  /** Let webhooks go to addresses that are not public, and without TLS. */
  readonly webhookAllowPrivate?: boolean | undefined;
  readonly log?: Log | undefined;
  /** For tests: named places of the code where a crash may strike. */
  readonly point?: Point | undefined;
}
