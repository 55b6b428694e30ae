/** For our own tests and benchmarks. Carries no promise. */
export * from './real/postgres-server.ts';
export * from './virtual/forger.ts';
export * from './virtual/guard.ts';
export * from './virtual/plan.ts';
export * from './virtual/planted-bugs.ts';
export * from './virtual/sim-disk.ts';
export * from './virtual/simulate.ts';
export * from './virtual/virtual-time.ts';
export * from './schemas.ts';
export * from './cli/program.ts';
