export { createTcpProxy, type LinkMode, type TcpProxy } from './real/tcp-proxy.ts';
export { startChild, type Child, type ChildOptions, type Exit } from './real/child.ts';
export { audit, type Audit } from './real/audit.ts';
export { apiOf, askApi, getFromApi, type GatewayApi } from './real/gateway-api.ts';
export { until } from './real/until.ts';
