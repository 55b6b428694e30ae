// The PostgreSQL client in one place: the build puts all that it needs into the compiled form of
// this file. A process that loads one file instead of many starts sooner.
export { Pool } from 'pg';
export type { PoolClient } from 'pg';
