export * from './core/workflow.ts';
