import type { AgentSurface } from '../core/surface.ts';

/** What can be read of an agent, whether it runs or not. */
export type AgentReader = Pick<AgentSurface, 'status' | 'backlog' | 'runs' | 'run' | 'journal'>;
