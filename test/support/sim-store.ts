export { SimStore, type Outcome } from '@holdfast/agent/testing';
